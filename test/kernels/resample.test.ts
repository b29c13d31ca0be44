import * as reference from "../reference/resample.js";
import { checkKernel, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

/** Four taps for each of `out` positions, some on the same cell as at an edge. */
function taps(m: TestMemory, out: number, size: number): number[] {
  const next = seeded(out + 31 * size);
  const index = Int32Array.from({ length: 4 * out }, () => Math.floor(next() * size));
  return [m.ints(index), m.input(4 * out)];
}

for (const [outRows, outCols, inRows, inCols, channels, ldx, ldy] of [
  [1, 1, 1, 1, 1, 1, 1],
  [3, 2, 4, 5, 16, 16, 16],
  [5, 6, 3, 2, 13, 20, 13],
  [2, 3, 4, 4, 35, 35, 48],
  [0, 4, 2, 2, 8, 8, 8],
]) {
  const name = `${inRows} x ${inCols} to ${outRows} x ${outCols}, ${channels} channels`;

  test(`resampling ${name} equals its reference`, () => {
    checkKernel("resample_f32", reference.resample_f32, {
      args: (m) => {
        const both = [...taps(m, outRows, inRows), ...taps(m, outCols, inCols)];
        const x = m.input(inRows * inCols * ldx);
        return [outRows, outCols, channels, inCols, ...both, x, ldx, m.output(outRows * outCols * ldy), ldy];
      },
    });
  });

  test(`the gradient of resampling ${name} equals its reference and accumulates`, () => {
    checkKernel("resample_grad_f32", reference.resample_grad_f32, {
      args: (m) => {
        const both = [...taps(m, outRows, inRows), ...taps(m, outCols, inCols)];
        const dy = m.input(outRows * outCols * ldy);
        return [
          channels,
          outRows,
          outCols,
          inCols,
          ...both,
          dy,
          ldy,
          m.output(inRows * inCols * ldx, { beta: 1 }),
          ldx,
        ];
      },
    });
  });
}
