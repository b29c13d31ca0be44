import * as reference from "../reference/mask-rows.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

const mask = (m: TestMemory, rows: number) => m.ints(Array.from({ length: rows }, (_, r) => (r % 3 === 1 ? 1 : 0)));

for (const [rows, cols] of [
  [0, 5],
  [1, 1],
  [7, 3],
  [12, 16],
  [40, 35],
]) {
  test(`${rows} rows of ${cols}, some of them masked, and their gradients equal their references`, () => {
    checkKernel("mask_rows_f32", reference.mask_rows_f32, {
      args: (m) => [rows, cols, m.input(rows * cols), mask(m, rows), m.input(cols), m.output(rows * cols)],
    });
    for (const beta of [0, 1]) {
      checkKernel("mask_rows_grad_f32", reference.mask_rows_grad_f32, {
        args: (m) => [rows, cols, m.input(rows * cols), mask(m, rows), beta, m.output(rows * cols, { beta })],
      });
      checkKernel("mask_rows_grad_token_f32", reference.mask_rows_grad_token_f32, {
        args: (m) => [cols, rows, m.input(rows * cols), mask(m, rows), beta, m.output(cols, { beta })],
      });
    }
  });
}

test("masked rows and their gradient may be written in place", () => {
  checkKernel("mask_rows_f32", reference.mask_rows_f32, {
    args: (m) => ((y) => [9, 6, y, mask(m, 9), m.input(6), y])(m.output(54, { beta: 1 })),
  });
  checkKernel("mask_rows_grad_f32", reference.mask_rows_grad_f32, {
    args: (m) => ((dx) => [9, 6, dx, mask(m, 9), 0, dx])(m.output(54, { beta: 1 })),
  });
});
