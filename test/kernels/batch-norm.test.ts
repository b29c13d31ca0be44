import * as assert from "uvu/assert";
import * as reference from "../reference/batch-norm.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** rows, channels, elements from row to row of inputs and of outputs. */
const shapes = [
  [1, 1, 1, 1],
  [5, 3, 3, 3],
  [33, 4, 6, 4],
  [256, 8, 8, 9],
  [300, 19, 19, 24],
  [1025, 35, 40, 37],
];

const eps = 1e-3;
const blocksOf = (rows: number) => Math.ceil(rows / 256);

/** Mean and variance of each channel. */
const statistics = (m: TestMemory, channels: number) => [
  m.input(channels),
  m.input(Array.from({ length: channels }, (_, c) => 0.3 + Math.abs(Math.sin(c)))),
];

for (const [rows, channels, ldx, ldy] of shapes) {
  const name = `${rows} x ${channels} with strides ${ldx} and ${ldy}`;
  const blocks = blocksOf(rows);

  test(`batch norm of ${name} and its statistics equal their references`, () => {
    checkKernel("batch_norm_moments_f32", reference.batch_norm_moments_f32, {
      args: (m) => [
        ...[blocks, rows, channels, m.input(rows * ldx, { low: -1, high: 3 }), ldx],
        m.output(2 * blocks * channels),
      ],
    });
    checkKernel("batch_norm_join_f32", reference.batch_norm_join_f32, {
      args: (m) => [
        ...[channels, blocks, rows, m.input(2 * blocks * channels, { low: 0.2, high: 1 })],
        ...[m.output(channels), m.output(channels)],
      ],
    });
    checkKernel("batch_norm_f32", reference.batch_norm_f32, {
      args: (m) => [
        ...[rows, channels, m.input(rows * ldx), ldx, ...statistics(m, channels), eps],
        ...[m.input(channels), m.input(channels), m.output(rows * ldy), ldy],
      ],
      atol: 2e-6,
    });
  });

  test(`batch norm gradients of ${name} equal their references`, () => {
    checkKernel("batch_norm_sums_f32", reference.batch_norm_sums_f32, {
      args: (m) => [
        ...[blocks, rows, channels, m.input(rows * ldx), ldx, ...statistics(m, channels), eps],
        ...[m.input(rows * ldy), ldy, m.output(2 * blocks * channels)],
      ],
      atol: 1e-4,
    });
    for (const beta of [0, 1]) {
      for (const withSums of [true, false]) {
        checkKernel("batch_norm_grad_input_f32", reference.batch_norm_grad_input_f32, {
          args: (m) => [
            ...[rows, channels, m.input(rows * ldx), ldx, ...statistics(m, channels), eps, m.input(channels)],
            ...[withSums ? m.input(2 * channels) : 0, m.input(rows * ldy), ldy],
            ...[beta, m.output(rows * ldx, { beta }), ldx],
          ],
          atol: 5e-6,
        });
      }
    }
  });
}

test("batch norm may write over its input and its gradient over dy", () => {
  checkKernel("batch_norm_f32", reference.batch_norm_f32, {
    args: (m) =>
      ((y) => [18, 6, y, 7, ...statistics(m, 6), eps, m.input(6), m.input(6), y, 7])(m.output(126, { beta: 1 })),
    atol: 2e-6,
  });
  checkKernel("batch_norm_grad_input_f32", reference.batch_norm_grad_input_f32, {
    args: (m) =>
      ((dx) => [18, 6, m.input(108), 6, ...statistics(m, 6), eps, m.input(6), m.input(12), dx, 6, 0, dx, 6])(
        m.output(108, { beta: 1 }),
      ),
    atol: 5e-6,
  });
});

test("a large mean does not spoil the variance", () => {
  const rows = 1000;
  const values = Array.from({ length: rows }, (_, i) => 4096 + (i % 4) / 4);
  const [moments] = runKernel("batch_norm_moments_f32", (m) => [4, rows, 1, m.input(values), 1, m.output(8)]);
  const [mean, variance] = runKernel("batch_norm_join_f32", (m) => [
    ...[1, 4, rows, m.input(moments), m.output(1), m.output(1)],
  ]);
  assert.ok(Math.abs(mean[0] - 4096.375) < 1e-3, `mean ${mean[0]}`);
  assert.ok(Math.abs(variance[0] / 0.078125 - 1) < 1e-5, `variance ${variance[0]}`);
});
