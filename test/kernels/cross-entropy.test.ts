import * as assert from "uvu/assert";
import * as reference from "../reference/cross-entropy.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** rows, cols, row strides of logits and targets, target rows. */
const shapes = [
  [5, 1, 1, 1, 5],
  [6, 2, 2, 3, 3],
  [7, 3, 5, 3, 7],
  [4, 4, 4, 4, 1],
  [6, 7, 9, 8, 2],
  [5, 16, 16, 16, 5],
  [8, 33, 40, 37, 4],
  [4, 67, 67, 67, 4],
  [3, 1030, 1030, 1032, 3],
  [0, 8, 8, 8, 1],
];

const probabilities = (m: TestMemory, count: number) => m.input(count, { low: 0, high: 0.3 });
/** A class for each row, or −1 for one that does not count. */
const labelsOf = (rows: number, cols: number) =>
  Array.from({ length: rows }, (_, r) => (r % 3 === 2 ? -1 : (5 * r + 1) % cols));
const sums = (m: TestMemory, count: number) => m.input(count, { low: 0.5, high: 4 });

for (const [rows, cols, ldx, ldt, targetRows] of shapes) {
  const name = `${rows} x ${cols} with strides ${ldx} and ${ldt} and ${targetRows} target rows`;

  test(`cross-entropy of ${name} equals its reference`, () => {
    for (const weighted of [false, true]) {
      checkKernel("cross_entropy_f32", reference.cross_entropy_f32, {
        args: (m) => [
          ...[rows, cols, m.input(rows * ldx), ldx, 0.1, probabilities(m, targetRows * ldt), ldt, targetRows],
          ...[weighted ? m.input(rows) : 0, 0.7, m.output(rows), m.output(rows), m.output(rows)],
        ],
      });
    }
  });

  test(`distillation of ${name} equals its reference`, () => {
    checkKernel("distill_f32", reference.distill_f32, {
      args: (m) => [
        ...[rows, cols, m.input(rows * ldx), ldx, m.input(rows * ldt), ldt, 0.1, 0.7],
        ...[m.output(rows), m.output(rows), m.output(rows)],
      ],
    });
  });

  test(`cross-entropy of labels of ${name} equals its reference`, () => {
    checkKernel("cross_entropy_labels_f32", reference.cross_entropy_labels_f32, {
      args: (m) => {
        const labels = m.ints(labelsOf(rows, cols));
        return [
          rows,
          cols,
          m.input(rows * ldx, { low: -9, high: 9 }),
          ldx,
          labels,
          0.7,
          m.output(rows),
          m.output(rows),
        ];
      },
    });
  });

  for (const beta of [0, 1]) {
    test(`gradients of the losses of ${name} equal their references with beta ${beta}`, () => {
      for (const weighted of [false, true]) {
        checkKernel("cross_entropy_grad_f32", reference.cross_entropy_grad_f32, {
          args: (m) => [
            ...[rows, cols, m.input(rows * ldx), ldx, 0.4, probabilities(m, targetRows * ldt), ldt, targetRows],
            ...[weighted ? m.input(rows) : 0, sums(m, rows), sums(m, rows), 0.7, m.input([1.5])],
            ...[beta, m.output(rows * ldt, { beta }), ldt],
          ],
          atol: 1e-5,
        });
      }
      checkKernel("distill_grad_f32", reference.distill_grad_f32, {
        args: (m) => [
          ...[rows, cols, m.input(rows * ldx), ldx, m.input(rows * ldt), ldt, 0.4, sums(m, rows), sums(m, rows)],
          ...[0.7, m.input([1.5]), beta, m.output(rows * ldt, { beta }), ldt],
        ],
        atol: 1e-5,
      });
      checkKernel("cross_entropy_labels_grad_f32", reference.cross_entropy_labels_grad_f32, {
        args: (m) => {
          const labels = m.ints(labelsOf(rows, cols));
          const output = m.output(rows * ldt, { beta });
          return [rows, cols, m.input(rows * ldx), ldx, labels, sums(m, rows), 0.7, m.input([1.5]), beta, output, ldt];
        },
        atol: 1e-5,
      });
    });
  }
}

test("the loss of a row is exact to 2e-6 also over 65,536 classes", () => {
  const cols = 65536;
  const logits = Float32Array.from({ length: cols }, (_, i) => Math.sin(i) * 0.9);
  const target = new Float32Array(cols);
  for (let i = 0; i < 8; i++) target[i * 8191] = 1 / 8;
  const [loss] = runKernel("cross_entropy_f32", (m) => [
    ...[1, cols, m.input(logits), cols, 0.1, m.input(target), cols, 1],
    ...[0, 1, m.output(1), m.output(1), m.output(1)],
  ]);
  const z = Float64Array.from(logits, (value) => value / 0.1);
  const lse = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0));
  const exact = z.reduce((sum, value, k) => sum + target[k] * (lse - value), 0);
  assert.ok(Math.abs(loss[0] / exact - 1) < 2e-6, `${loss[0]}, expected ${exact}`);
});

test("the weight of a row may be 0 and its logits of any size, without NaN", () => {
  const [loss] = runKernel("cross_entropy_f32", (m) => [
    ...[1, 3, m.input([3e30, -3e30, 0]), 3, 0.1, m.input([0.5, 0.25, 0.25]), 3, 1],
    ...[m.input([0]), 1, m.output(1), m.output(1), m.output(1)],
  ]);
  assert.is(loss[0], 0);
});

test("a NaN among the logits reaches the loss", () => {
  for (const at of [0, 3, 5]) {
    const logits = [1, 2, 3, 4, 5, 6].with(at, Number.NaN);
    const [loss] = runKernel("cross_entropy_labels_f32", (m) => [
      1,
      6,
      m.input(logits),
      6,
      m.ints([1]),
      1,
      m.output(1),
      m.output(1),
    ]);
    assert.ok(Number.isNaN(loss[0]));
    const [distilled] = runKernel("distill_f32", (m) => [
      ...[1, 6, m.input([1, 2, 3, 4, 5, 6]), 6, m.input(logits), 6, 1, 1, m.output(1), m.output(1), m.output(1)],
    ]);
    assert.ok(Number.isNaN(distilled[0]));
  }
});
