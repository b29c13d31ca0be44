import * as reference from "../reference/weight-norm.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

for (const [rows, cols] of [
  [5, 1],
  [5, 2],
  [7, 3],
  [5, 4],
  [3, 7],
  [6, 16],
  [5, 33],
  [4, 67],
  [9, 256],
  [0, 8],
]) {
  test(`weight norm of ${rows} x ${cols} and its gradients equal their references`, () => {
    checkKernel("weight_norm_f32", reference.weight_norm_f32, {
      args: (m) => [rows, cols, m.input(rows * cols), m.input(rows), m.output(rows * cols), m.output(rows)],
    });
    for (const [betaV, betaG] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]) {
      checkKernel("weight_norm_grad_f32", reference.weight_norm_grad_f32, {
        args: (m) => {
          const norms = m.input(rows, { low: 0.5, high: 2 });
          const [v, g, dy] = [m.input(rows * cols), m.input(rows), m.input(rows * cols)];
          const dv = m.output(rows * cols, { beta: betaV, label: "dv" });
          const dg = m.output(rows, { beta: betaG, label: "dg" });
          return [rows, cols, v, g, norms, dy, betaV, dv, betaG, dg];
        },
        atol: 2e-5,
      });
    }
  });
}
