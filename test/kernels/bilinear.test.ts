import * as reference from "../reference/bilinear.js";
import { checkKernel, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

/** Cells and shares of `out` positions along an axis of `size` cells, in no order. */
function taps(m: TestMemory, out: number, size: number): number[] {
  const next = seeded(out + 31 * size);
  return [m.ints(Int32Array.from({ length: out }, () => Math.floor(next() * size))), m.input(out, { low: 0, high: 1 })];
}

for (const [images, rows, cols, inRows, inCols, channels, ldx] of [
  [1, 1, 1, 1, 1, 1, 1],
  [2, 3, 2, 4, 5, 16, 16],
  [1, 5, 6, 3, 2, 13, 20],
  [3, 7, 5, 2, 3, 2, 2],
  [2, 2, 3, 4, 4, 35, 35],
  [0, 4, 4, 2, 2, 8, 8],
]) {
  const name = `${images} maps of ${inRows} x ${inCols} to ${rows} x ${cols}, ${channels} channels`;

  test(`resizing ${name} equals its reference`, () => {
    checkKernel("resize_bilinear_f32", reference.resize_bilinear_f32, {
      args: (m) => {
        const both = [...taps(m, rows, inRows), ...taps(m, cols, inCols)];
        const x = m.input(images * inRows * inCols * ldx);
        const y = m.output(images * rows * cols * channels);
        return [images * rows, cols, channels, rows, inRows, inCols, ...both, x, ldx, y];
      },
    });
  });

  for (const beta of [0, 1]) {
    test(`the gradient of resizing ${name} equals its reference with beta ${beta}`, () => {
      checkKernel("resize_bilinear_grad_f32", reference.resize_bilinear_grad_f32, {
        args: (m) => {
          const both = [...taps(m, rows, inRows), ...taps(m, cols, inCols)];
          const dy = m.input(images * rows * cols * channels);
          const dx = m.output(images * inRows * inCols * ldx, { beta });
          return [images * inRows, cols, channels, rows, inRows, inCols, ...both, dy, beta, dx, ldx];
        },
      });
    });
  }
}
