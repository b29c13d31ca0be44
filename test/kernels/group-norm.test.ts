import * as assert from "uvu/assert";
import * as reference from "../reference/group-norm.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** images, pixels, channels, groups, elements from pixel to pixel of inputs and of outputs. */
const shapes = [
  [2, 5, 1, 1, 1, 1],
  [3, 9, 4, 2, 4, 4],
  [3, 33, 6, 3, 7, 6],
  [2, 64, 12, 4, 12, 15],
  [5, 70, 32, 32, 32, 32],
  [2, 100, 35, 5, 40, 37],
  [1, 1, 24, 2, 24, 24],
  [0, 4, 8, 2, 8, 8],
];

const eps = 1e-5;

/** Mean and 1/σ of each group. */
const statistics = (m: TestMemory, count: number) =>
  m.input(Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? Math.sin(i) : 1 + Math.cos(i) / 2)));

for (const [images, pixels, channels, groups, ldx, ldy] of shapes) {
  const size = [images, pixels, channels, groups];
  const name = `${images} x ${pixels} x ${channels} in ${groups} groups with strides ${ldx} and ${ldy}`;

  test(`group norm of ${name} equals its reference`, () => {
    checkKernel("group_norm_f32", reference.group_norm_f32, {
      args: (m) => [
        ...[...size, m.input(images * pixels * ldx, { low: -1, high: 3 }), ldx, eps, m.input(channels)],
        ...[m.input(channels), m.output(images * pixels * ldy), ldy, m.output(2 * images * groups)],
      ],
      atol: 5e-6,
    });
  });

  test(`group norm gradients of ${name} equal their references`, () => {
    checkKernel("group_norm_sums_f32", reference.group_norm_sums_f32, {
      args: (m) => [
        ...[...size, m.input(images * pixels * ldx), ldx, statistics(m, images * groups)],
        ...[m.input(images * pixels * ldy), ldy, m.output(2 * images * channels)],
      ],
      atol: 2e-5,
    });
    for (const beta of [0, 1]) {
      checkKernel("group_norm_grad_input_f32", reference.group_norm_grad_input_f32, {
        args: (m) => [
          ...[...size, m.input(images * pixels * ldx), ldx, statistics(m, images * groups)],
          ...[m.input(2 * images * channels), m.input(channels), m.input(images * pixels * ldy), ldy],
          ...[beta, m.output(images * pixels * ldx, { beta }), ldx],
        ],
        atol: 5e-6,
      });
    }
  });
}

test("group norm may write over its input and its gradient over dy", () => {
  checkKernel("group_norm_f32", reference.group_norm_f32, {
    args: (m) =>
      ((y) => [2, 9, 6, 2, y, 7, eps, m.input(6), m.input(6), y, 7, m.output(8)])(m.output(126, { beta: 1 })),
    atol: 5e-6,
  });
  checkKernel("group_norm_grad_input_f32", reference.group_norm_grad_input_f32, {
    args: (m) => {
      const dx = m.output(108, { beta: 1 });
      const given = [m.input(108), 6, statistics(m, 4), m.input(24), m.input(6)];
      return [2, 9, 6, 2, ...given, dx, 6, 0, dx, 6];
    },
    atol: 5e-6,
  });
});

test("a large mean does not spoil the variance", () => {
  const pixels = 200;
  const values = Array.from({ length: 2 * pixels }, (_, i) => 4096 + (i % 4) / 4);
  const [, stats] = runKernel("group_norm_f32", (m) => [
    ...[1, pixels, 2, 1, m.input(values), 2, 0, m.input([1, 1]), m.input([0, 0]), m.output(2 * pixels), 2, m.output(2)],
  ]);
  assert.ok(Math.abs(stats[0] - 4096.375) < 1e-3, `mean ${stats[0]}`);
  assert.ok(Math.abs(stats[1] * Math.sqrt(0.078125) - 1) < 1e-6, `1/σ ${stats[1]}`);
});
