import * as reference from "../reference/gather.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

const index = [4, 0, 2, 4, 4, 1, 0];

for (const [cols, ldx, ldy] of [
  [1, 1, 1],
  [4, 4, 4],
  [19, 24, 19],
  [33, 33, 40],
]) {
  test(`gathered rows of ${cols} numbers with strides ${ldx} and ${ldy} equal their reference`, () => {
    checkKernel("gather_rows_f32", reference.gather_rows_f32, {
      args: (m) => [7, cols, m.input(5 * ldx), ldx, m.ints(index), m.output(7 * ldy), ldy],
      rtol: 0,
      atol: 0,
    });
  });

  test(`rows of ${cols} numbers scattered with strides ${ldy} and ${ldx} add up where indices repeat`, () => {
    checkKernel("scatter_add_rows_f32", reference.scatter_add_rows_f32, {
      args: (m) => [cols, 7, m.input(7 * ldy), ldy, m.ints(index), m.output(5 * ldx, { beta: 1 }), ldx],
    });
  });
}

test("no row is gathered or scattered for an empty index", () => {
  checkKernel("gather_rows_f32", reference.gather_rows_f32, {
    args: (m) => [0, 8, m.input(8), 8, m.ints([]), m.output(0), 8],
  });
  checkKernel("scatter_add_rows_f32", reference.scatter_add_rows_f32, {
    args: (m) => [8, 0, m.input(0), 8, m.ints([]), m.output(16, { beta: 1 }), 8],
  });
});
