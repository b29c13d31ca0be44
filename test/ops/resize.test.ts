import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { type ResampleOptions, resample } from "../../src/ops/resize.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);
const square = (from: number, to: number, scale = to / from): ResampleOptions => ({
  inHeight: from,
  inWidth: from,
  outHeight: to,
  outWidth: to,
  scaleRows: scale,
  scaleCols: scale,
});

test("the scale 1 gives the grid back, and a constant grid stays constant", async () => {
  await init();
  const grid = fromArray(numbers([12, 2], 1), [12, 2]);
  const options = { inHeight: 3, inWidth: 4, outHeight: 3, outWidth: 4, scaleRows: 1, scaleCols: 1 };
  assert.equal(
    values(() => resample(grid, options)),
    [...grid.toArray()],
  );
  const flat = fromArray(new Array(25).fill(0.75), [25, 1]);
  for (const value of values(() => resample(flat, square(5, 8, 8.1 / 5)))) assert.ok(Math.abs(value - 0.75) < 1e-6);
});

test("halving a line takes the weights of the cubic kernel at half a cell, clamped at the ends", async () => {
  await init();
  // At distance ½ the kernel is 0.59375, at 1½ it is −0.09375; the first cell stands in for the one before it.
  const line = fromArray([1, 10, 100, 1000], [4, 1]);
  const options = { inHeight: 1, inWidth: 4, outHeight: 1, outWidth: 2, scaleRows: 1, scaleCols: 0.5 };
  const expected = [0.5 * 1 + 0.59375 * 10 - 0.09375 * 100, -0.09375 * 10 + 0.59375 * 100 + 0.5 * 1000];
  assert.equal(
    values(() => resample(line, options)),
    expected,
  );
  const upright = { inHeight: 4, inWidth: 1, outHeight: 2, outWidth: 1, scaleRows: 0.5, scaleCols: 1 };
  assert.equal(
    values(() => resample(line, upright)),
    expected,
  );
});

/** The published models' resize of one channel, carried out in single precision throughout as they do. */
function singlePrecision(grid: Float32Array, from: number, to: number, scale: number): number[] {
  const f = Math.fround;
  const step = f(1 / scale);
  const near = (d: number) => f(f(f(f(1.25 * d) - 2.25) * f(d * d)) + 1);
  const far = (d: number) => f(f(f(f(f(f(-0.75 * d) + 3.75) * d) - 6) * d) + 3);
  const taps = (i: number) => {
    const at = f(f(step * f(i + 0.5)) - 0.5);
    const t = f(at - Math.floor(at));
    const weights = [far(f(t + 1)), near(t), near(f(1 - t)), far(f(2 - t))];
    return weights.map((weight, k) => ({ weight, cell: Math.min(Math.max(Math.floor(at) - 1 + k, 0), from - 1) }));
  };
  const result: number[] = [];
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      const rows = taps(y).map(
        ({ weight, cell }) => weight * taps(x).reduce((s, tap) => s + tap.weight * grid[cell * from + tap.cell], 0),
      );
      result.push(rows.reduce((a, b) => a + b));
    }
  }
  return result;
}

for (const [from, to] of [
  [14, 6],
  [4, 2],
  [8, 12],
]) {
  test(`resampling ${from} to ${to} cells agrees with the published single-precision resize within 2e-6 for entries up to 1`, async () => {
    await init();
    const scale = (to + 0.1) / from;
    const grid = Float32Array.from(numbers([from * from, 1], 3));
    const actual = values(() => resample(fromArray(grid, [from * from, 1]), square(from, to, scale)));
    singlePrecision(grid, from, to, scale).forEach((expected, i) => {
      assert.ok(Math.abs(actual[i] - expected) < 2e-6, `cell ${i}: ${actual[i]} and ${expected}`);
    });
  });
}

test("a narrowed grid is read through its strides", async () => {
  await init();
  const grid = fromArray(numbers([9, 5], 1), [9, 5]);
  const part = grid.narrow(1, 1, 3);
  const copy = fromArray(part.toArray(), [9, 3]);
  assert.equal(
    values(() => resample(part, square(3, 4))),
    values(() => resample(copy, square(3, 4))),
  );
});

test("gradients of a resampled grid are its derivatives, through a narrowed grid too", async () => {
  await initDouble();
  const [grid, table] = [leaf([12, 3], 1), leaf([10, 6], 2)];
  const options = { inHeight: 4, inWidth: 3, outHeight: 2, outWidth: 5, scaleRows: 2.1 / 4, scaleCols: 5.1 / 3 };
  gradcheck(() => resample(grid, options), [grid]);
  gradcheck(() => resample(table.narrow(0, 1, 9).narrow(1, 0, 4), square(3, 2, 2.1 / 3)), [table]);
});

test("grids and sizes that do not fit are refused with a message", async () => {
  await init();
  refuses(() => resample(empty([8, 2]), square(3, 2)), ShapeError, "resample: x [8, 2] has 8 rows, expected 3 x 3.");
  refuses(
    () => resample(empty([9, 2]), square(3, 0)),
    ShapeError,
    "resample: outHeight is 0, expected a positive number.",
  );
  refuses(() => resample(empty([9, 2]), square(3, 2, Number.NaN)), ShapeError, "resample: scaleRows is NaN");
  refuses(() => resample(empty([2, 9]).permute([1, 0]), square(3, 2)), ShapeError, "not evenly spaced");
  refuses(() => resample(empty([9, 2], "i32"), square(3, 2)), DTypeError, "resample: x is [9, 2] i32, expected f32.");
});
