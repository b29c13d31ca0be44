import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { correlate, correlateDepthwise, type TapWeight, weightGradient } from "../../src/ops/conv-product.js";
import { denseOutputs, slidingAxis } from "../../src/ops/window.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { leaf } from "../support/gradcheck.js";
import { test } from "../support/test.js";

const axis = (size: number, taps: number) => slidingAxis("conv2d", size, { taps, stride: 1, padding: 1, dilation: 1 });

/** A weight [n, channels, 3, 3] that lies densely. */
const dense = (ptr: number, channels: number): TapWeight => ({ ptr, out: 9 * channels, in: 9, row: 3, column: 1 });

test("beta 1 adds to what is there, also where a sum takes several blocks", async () => {
  await init();
  for (const [side, channels, n] of [
    [5, 5, 7],
    [5, 100, 7],
    [30, 100, 2],
    [10, 400, 8],
  ]) {
    const [x, w] = [leaf([1, side, side, channels], 1), leaf([n, channels, 3, 3], 2)];
    const axes = [axis(side, 3), axis(side, 3)] as const;
    const call = { batch: 1, axes, channels, n, x: x.ptr, pixel: channels, weight: dense(w.ptr, channels) };
    const options = { ...call, alpha: 1, bias: 0, outputs: denseOutputs(side, side, n) };
    const [once, twice] = step(() => {
      const y = empty([side, side, n]);
      correlate({ ...options, beta: 0, y: y.ptr });
      const first = y.toArray();
      correlate({ ...options, beta: 1, y: y.ptr });
      return [first, y.toArray()];
    });
    once.forEach((value, i) => {
      assert.ok(Math.abs(twice[i] - 2 * value) < 1e-3, `${channels} channels, entry ${i}: ${twice[i]}, once ${value}`);
    });
  }
});

test("a depthwise convolution is one of as many groups", async () => {
  await init();
  const [x, w] = [leaf([1, 4, 4, 3], 1), leaf([3, 1, 3, 3], 2)];
  const axes = [axis(4, 3), axis(4, 3)] as const;
  const shared = { batch: 1, axes, pixel: 3, alpha: 1.5, bias: 0, beta: 0, outputs: denseOutputs(4, 4, 3) };
  const [grouped, depthwise] = step(() => {
    const [a, b] = [empty([1, 4, 4, 3]), empty([1, 4, 4, 3])];
    for (let c = 0; c < 3; c++) {
      const weight = dense(w.ptr + 4 * 9 * c, 1);
      correlate({ ...shared, channels: 1, n: 1, x: x.ptr + 4 * c, weight, y: a.ptr + 4 * c });
    }
    correlateDepthwise({ ...shared, channels: 3, n: 3, x: x.ptr, weight: dense(w.ptr, 1), y: b.ptr });
    return [a.toArray(), b.toArray()];
  });
  grouped.forEach((value, i) => {
    assert.ok(Math.abs(value - depthwise[i]) < 1e-5);
  });
});

test("temporaries do not outlive a call", async () => {
  await init();
  const [x, w, dy] = [leaf([1, 4, 4, 8], 1), leaf([6, 8, 3, 3], 2), leaf([1, 4, 4, 6], 3)];
  const axes = [axis(4, 3), axis(4, 3)] as const;
  step(() => {
    const before = memory().stepBytes;
    const source = { batch: 1, axes, channels: 8, n: 6, x: x.ptr, pixel: 8, alpha: 1 };
    weightGradient({ ...source, dy: dy.ptr, lddy: 6, beta: 0, dw: dense(w.ptr, 8) });
    assert.is(memory().stepBytes, before);
  });
});
