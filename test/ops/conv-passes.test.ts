import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { type Convolution, forwardPass, inputPass, weightPass } from "../../src/ops/conv-passes.js";
import { slidingAxis } from "../../src/ops/window.js";
import { init } from "../../src/runtime/context.js";
import { emptyLike } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { leaf } from "../support/gradcheck.js";
import { test } from "../support/test.js";

const dot = (a: Tensor, b: Tensor) => {
  const [x, y] = [a.toArray(), b.toArray()];
  return [...x].reduce((sum, value, i) => sum + value * y[i], 0);
};

const layers = [
  { taps: 3, stride: 1, groups: 1 },
  { taps: 3, stride: 2, groups: 2 },
  { taps: 1, stride: 1, groups: 1 },
  { taps: 1, stride: 2, groups: 4 },
  { taps: 5, stride: 3, groups: 8 },
];

for (const { taps, stride, groups } of layers) {
  test(`the passes of ${taps}x${taps} taps with stride ${stride} and ${groups} groups are adjoint`, async () => {
    await init();
    const padding = taps >> 1;
    const sliding = { taps, stride, padding, dilation: 1 };
    const axes = [slidingAxis("conv2d", 9, sliding), slidingAxis("conv2d", 8, sliding)] as const;
    const part = 8 / groups;
    const images = { batch: 2, height: 9, width: 8, channels: 8, pixel: 8 };
    const call: Convolution = { ...images, axes, groups, inputs: part, outputs: part, alpha: 1.5 };
    const [x, w] = [leaf([2, 9, 8, 8], 1), leaf([8, part, taps, taps], 2)];
    const dy = leaf([2, axes[0].outputs, axes[1].outputs, 8], 3);
    const tapsOf = (ptr: number) => ({ ptr, out: part * taps * taps, in: taps * taps, row: taps, column: 1 });
    step(() => {
      const [y, dx, dw] = [emptyLike(dy), emptyLike(x), emptyLike(w)];
      forwardPass(call, { x: x.ptr, weight: tapsOf(w.ptr), bias: 0, y: y.ptr });
      inputPass(call, { dy: dy.ptr, weight: tapsOf(w.ptr), beta: 0, dx: dx.ptr });
      weightPass(call, { x: x.ptr, dy: dy.ptr, beta: 0, dw: tapsOf(dw.ptr) });
      const energy = dot(y, dy);
      assert.ok(Math.abs(dot(dx, x) - energy) < 1e-3, `dx·x is ${dot(dx, x)}, y·dy ${energy}`);
      assert.ok(Math.abs(dot(dw, w) - energy) < 1e-3, `dw·w is ${dot(dw, w)}, y·dy ${energy}`);
    });
  });
}
