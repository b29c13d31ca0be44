import * as assert from "uvu/assert";
import * as reference from "../reference/layer-norm.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
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
  [33, 35, 40, 37],
  [70, 67, 67, 67],
  [5, 197, 200, 197],
  [0, 8, 8, 8],
];

const eps = 1e-6;

/** Mean and 1/σ of each row. */
const statistics = (m: TestMemory, rows: number) =>
  m.input(Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? Math.sin(i) : 1 + Math.cos(i) / 2)));

for (const [rows, cols, ldx, ldy] of shapes) {
  test(`layer norm of ${rows} x ${cols} with strides ${ldx} and ${ldy} equals its reference`, () => {
    checkKernel("layer_norm_f32", reference.layer_norm_f32, {
      args: (m) => [
        ...[rows, cols, m.input(rows * ldx, { low: -1, high: 3 }), ldx, eps, m.input(cols), m.input(cols)],
        ...[m.output(rows * ldy), ldy, m.output(2 * rows)],
      ],
      atol: 5e-6,
    });
  });

  for (const beta of [0, 1]) {
    test(`layer norm gradients of ${rows} x ${cols} with strides ${ldx} and ${ldy} equal their references with beta ${beta}`, () => {
      checkKernel("layer_norm_grad_input_f32", reference.layer_norm_grad_input_f32, {
        args: (m) => [
          ...[rows, cols, m.input(rows * ldx), ldx, statistics(m, rows), m.input(cols), m.input(rows * ldy), ldy],
          ...[beta, m.output(rows * ldx, { beta }), ldx],
        ],
        atol: 5e-6,
      });
      for (const betaBias of [0, 1]) {
        checkKernel("layer_norm_grad_weight_f32", reference.layer_norm_grad_weight_f32, {
          args: (m) => [
            ...[cols, rows, m.input(rows * ldx), ldx, statistics(m, rows), m.input(rows * ldy), ldy],
            ...[beta, m.output(cols, { beta }), betaBias, m.output(cols, { beta: betaBias })],
          ],
          atol: 5e-6,
        });
      }
    });
  }
}

test("layer norm may write over its input and its gradient over dy", () => {
  checkKernel("layer_norm_f32", reference.layer_norm_f32, {
    args: (m) => ((y) => [5, 13, y, 14, eps, m.input(13), m.input(13), y, 14, m.output(10)])(m.output(70, { beta: 1 })),
    atol: 5e-6,
  });
  checkKernel("layer_norm_grad_input_f32", reference.layer_norm_grad_input_f32, {
    args: (m) =>
      ((dx) => [5, 13, m.input(65), 13, statistics(m, 5), m.input(13), dx, 13, 0, dx, 13])(m.output(65, { beta: 1 })),
    atol: 5e-6,
  });
});

test("a large mean does not spoil the variance", () => {
  const x = [1000.25, 1000.5, 1000.75, 1001];
  const [y] = runKernel("layer_norm_f32", (m) => [
    ...[1, 4, m.input(x), 4, 0, m.input([1, 1, 1, 1]), m.input([0, 0, 0, 0]), m.output(4), 4, m.output(2)],
  ]);
  const sigma = Math.sqrt(0.078125);
  for (const [i, value] of [-0.375, -0.125, 0.125, 0.375].entries()) {
    assert.ok(Math.abs(y[i] - value / sigma) < 1e-6, `entry ${i} is ${y[i]}`);
  }
});

test("a constant row gives the bias", () => {
  const [y] = runKernel("layer_norm_f32", (m) => [
    ...[1, 3, m.input([7, 7, 7]), 3, eps, m.input([1, 2, 3]), m.input([4, 5, 6]), m.output(3), 3, m.output(2)],
  ]);
  assert.equal([...y], [4, 5, 6]);
});
