import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { inputGradientJoined, joinedPhasesPay, planOf } from "../../src/ops/conv-joined.js";
import { type Axis, slidingAxis } from "../../src/ops/window.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

const axis = (size: number, taps: number, stride: number, padding = taps >> 1): Axis =>
  slidingAxis("conv2d", size, { taps, stride, padding, dilation: 1 });

const square = (size: number, taps: number, stride: number, padding?: number) =>
  [axis(size, taps, stride, padding), axis(size, taps, stride, padding)] as const;

test("phases are joined where a phase alone fills few lanes", () => {
  assert.ok(joinedPhasesPay({ batch: 1, axes: square(224, 7, 2), inputs: 3, outputs: 64 }));
  assert.ok(joinedPhasesPay({ batch: 1, axes: square(224, 3, 2), inputs: 3, outputs: 32 }));
  assert.ok(joinedPhasesPay({ batch: 1, axes: square(224, 4, 4, 0), inputs: 3, outputs: 96 }));
  assert.ok(joinedPhasesPay({ batch: 1, axes: square(112, 3, 2), inputs: 16, outputs: 32 }));
  assert.not(joinedPhasesPay({ batch: 1, axes: square(224, 3, 1), inputs: 3, outputs: 64 }));
  assert.not(joinedPhasesPay({ batch: 1, axes: square(56, 3, 2), inputs: 17, outputs: 64 }));
  assert.not(joinedPhasesPay({ batch: 1, axes: square(7, 3, 2), inputs: 16, outputs: 64 }));
  const dilated = { ...axis(224, 3, 2), step: 2 };
  assert.not(joinedPhasesPay({ batch: 1, axes: [dilated, dilated], inputs: 3, outputs: 64 }));
  assert.not(joinedPhasesPay({ batch: 1, axes: square(8192, 7, 2), inputs: 3, outputs: 64 }));
});

test("a plan reaches each output through each of its taps once, and few zeros", () => {
  for (const [taps, stride, inputs] of [
    [7, 2, 3],
    [3, 2, 1],
    [2, 3, 2],
    [4, 4, 3],
    [5, 3, 1],
  ]) {
    const [axes, n] = [square(30, taps, stride), stride * stride * inputs];
    const { numbers, segments, weights } = planOf({ axes, inputs, outputs: 1 });
    const seen = new Map<string, number>();
    for (let s = 0; s < segments; s++) {
      const [row, column, count, vectors, ...lanes] = numbers.slice(4 + 8 * s, 12 + 8 * s);
      for (let t = 0; t < count; t++) {
        for (let v = 0; v < vectors; v++) {
          for (let lane = lanes[v]; lane < Math.min(lanes[v] + 4, n); lane++) {
            const pixel = Math.floor(lane / inputs);
            const tapY = Math.floor(pixel / stride) - axes[0].first - row * stride;
            const tapX = (pixel % stride) - axes[1].first - (column + t) * stride;
            if (Math.min(tapY, tapX) < 0 || Math.max(tapY, tapX) >= taps) continue;
            const key = `${tapY} ${tapX} ${lane % inputs}`;
            seen.set(key, (seen.get(key) ?? 0) + 1);
          }
        }
      }
    }
    assert.is(seen.size, taps * taps * inputs, `${taps}x${taps} with stride ${stride}`);
    assert.ok([...seen.values()].every((count) => count === 1));
    if (taps === 7) assert.is(weights, 164);
  }
});

test("temporaries of joined phases do not outlive a call", async () => {
  await init();
  step(() => {
    const [dy, w, dx] = [empty([1, 4, 4, 8]), empty([8, 3, 3, 3]), empty([1, 8, 8, 3])];
    const before = memory().stepBytes;
    const weight = { ptr: w.ptr, out: 27, in: 9, row: 3, column: 1 };
    const sizes = { batch: 1, axes: square(8, 3, 2), inputs: 3, outputs: 8, alpha: 1, lddy: 8, pixel: 3 };
    inputGradientJoined({ ...sizes, weight, dy: dy.ptr, beta: 0, dx: dx.ptr });
    assert.is(memory().stepBytes, before);
  });
});
