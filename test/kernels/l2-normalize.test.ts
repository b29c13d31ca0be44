import * as assert from "uvu/assert";
import * as reference from "../reference/l2-normalize.js";
import { checkKernel } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** rows, cols, row strides of inputs and of outputs. */
const shapes = [
  [5, 1, 1, 1],
  [5, 2, 2, 3],
  [7, 3, 5, 3],
  [5, 4, 4, 4],
  [3, 7, 9, 8],
  [6, 16, 16, 16],
  [5, 33, 40, 37],
  [4, 67, 67, 67],
  [5, 256, 260, 256],
  [0, 8, 8, 8],
];

for (const [rows, cols, ldx, ldy] of shapes) {
  test(`unit rows of ${rows} x ${cols} with strides ${ldx} and ${ldy} equal their reference`, () => {
    checkKernel("l2_normalize_f32", reference.l2_normalize_f32, {
      args: (m) => [rows, cols, m.input(rows * ldx), ldx, 1e-12, m.output(rows * ldy), ldy, m.output(rows)],
    });
  });

  for (const beta of [0, 1]) {
    test(`gradient of unit rows of ${rows} x ${cols} with strides ${ldx} and ${ldy} equals its reference with beta ${beta}`, () => {
      checkKernel("l2_normalize_grad_f32", reference.l2_normalize_grad_f32, {
        args: (m) => {
          const norms = m.input(rows, { low: 0.1, high: 2 });
          const [y, dy] = [m.input(rows * ldy), m.input(rows * ldx)];
          // ε lies among the norms, so that some rows are divided by it.
          return [rows, cols, y, ldy, norms, 0.7, dy, ldx, beta, m.output(rows * ldx, { beta }), ldx];
        },
        atol: 1e-5,
      });
    });
  }
}

test("unit rows may overwrite their input and the gradient dy", () => {
  checkKernel("l2_normalize_f32", reference.l2_normalize_f32, {
    args: (m) => ((y) => [5, 13, y, 14, 1e-12, y, 14, m.output(5)])(m.output(70, { beta: 1 })),
  });
  checkKernel("l2_normalize_grad_f32", reference.l2_normalize_grad_f32, {
    args: (m) => {
      const norms = m.input(5, { low: 0.5, high: 2 });
      const dx = m.output(65, { beta: 1 });
      return [5, 13, m.input(65), 13, norms, 1e-12, dx, 13, 0, dx, 13];
    },
  });
});

test("a row of zeros stays zero, a short one is divided by eps, NaN stays NaN", () => {
  const [y, norms] = runKernel("l2_normalize_f32", (m) => [
    ...[3, 2, m.input([0, 0, 3e-5, 4e-5, 1, Number.NaN]), 2, 1e-3, m.output(6), 2, m.output(3)],
  ]);
  assert.equal([...y.subarray(0, 2)], [0, 0]);
  assert.ok(Math.abs(y[2] - 0.03) < 1e-8 && Math.abs(y[3] - 0.04) < 1e-8);
  assert.ok(Number.isNaN(y[4]) && Number.isNaN(y[5]));
  assert.ok(Math.abs(norms[1] - 5e-5) < 1e-11);
});
