import * as reference from "../reference/move-rows.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

const index = [4, -1, 2, 0, -1, 1, 3];

for (const [cols, ldx, ldy] of [
  [1, 1, 1],
  [4, 4, 4],
  [19, 24, 19],
  [33, 33, 40],
]) {
  for (const beta of [0, 1]) {
    test(`moved rows of ${cols} numbers with strides ${ldx} and ${ldy} equal their reference, beta ${beta}`, () => {
      checkKernel("move_rows_f32", reference.move_rows_f32, {
        args: (m) => {
          const [x, at, y] = [m.input(15 * ldx), m.ints(index), m.output(21 * ldy, { beta })];
          return [21, cols, x, ldx, 5, at, 7, beta, y, ldy];
        },
        rtol: 0,
        atol: 0,
      });
    });
  }
}

test("no row is moved where there is no item", () => {
  checkKernel("move_rows_f32", reference.move_rows_f32, {
    args: (m) => [0, 8, m.input(0), 8, 5, m.ints(index), 7, 0, m.output(0), 8],
  });
});
