import * as assert from "uvu/assert";
import * as reference from "../reference/sigmoid-loss.js";
import { checkKernel } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

for (const [rows, cols] of [
  [1, 1],
  [3, 3],
  [4, 4],
  [5, 7],
  [6, 80],
]) {
  const ld = cols + 2;
  const classes = Array.from({ length: rows }, (_, r) => (r === 0 ? cols - 1 : r === 1 ? -1 : r === 2 ? -2 : r % cols));

  for (const gamma of [0, 1.5, 2]) {
    test(`focal loss of ${rows} rows of ${cols} with gamma ${gamma} equals its reference`, () => {
      checkKernel("focal_loss_f32", reference.focal_loss_f32, {
        args: (m) => [
          ...[rows, cols, m.input(rows * ld, { low: -6, high: 6 }), ld, m.ints(classes)],
          ...[0.25, gamma, 0.7, m.output(rows)],
        ],
      });
    });

    for (const beta of [0, 1]) {
      test(`its gradient equals its reference, beta ${beta}: ${rows} rows of ${cols}, gamma ${gamma}`, () => {
        checkKernel("focal_loss_grad_f32", reference.focal_loss_grad_f32, {
          args: (m) => [
            ...[rows, cols, m.input(rows * cols, { low: -6, high: 6 }), cols, m.ints(classes)],
            ...[0.25, gamma, 0.7, m.input([1.5]), beta, m.output(rows * cols, { beta }), cols],
          ],
        });
      });
    }
  }
}

for (const n of [0, 1, 4, 7, 9, 1027]) {
  test(`binary cross-entropy of ${n} numbers and its gradient equal their references`, () => {
    checkKernel("binary_cross_entropy_f32", reference.binary_cross_entropy_f32, {
      args: (m) => [n, m.input(n, { low: -8, high: 8 }), m.input(n, { low: 0, high: 1 }), 0.3, m.output(n)],
    });
    for (const beta of [0, 1]) {
      checkKernel("binary_cross_entropy_grad_f32", reference.binary_cross_entropy_grad_f32, {
        args: (m) => [
          ...[n, m.input(n, { low: -8, high: 8 }), m.input(n, { low: 0, high: 1 })],
          ...[0.3, m.input([2]), beta, m.output(n, { beta })],
        ],
      });
    }
  });
}

test("logits far from 0 give finite losses and slopes; NaN stays NaN", () => {
  const x = [1e4, -1e4, 90, -90, Number.NaN];
  const [loss] = runKernel("binary_cross_entropy_f32", (m) => [
    5,
    m.input(x),
    m.input([1, 1, 0, 0, 0]),
    1,
    m.output(5),
  ]);
  assert.equal([...loss], [0, 1e4, 90, 0, Number.NaN]);
  const [dx] = runKernel("binary_cross_entropy_grad_f32", (m) => [
    ...[5, m.input(x), m.input([1, 1, 0, 0, 0]), 1],
    ...[m.input([1]), 0, m.output(5)],
  ]);
  assert.equal([...dx], [0, -1, 1, 0, Number.NaN]);
  const [focal] = runKernel("focal_loss_f32", (m) => [
    ...[2, 2, m.input([1e4, -1e4, -1e4, 1e4]), 2, m.ints([0, 0])],
    ...[0.25, 2, 1, m.output(2)],
  ]);
  assert.is(focal[0], 0);
  assert.is(focal[1], 0.25 * 1e4 + 0.75 * 1e4);
});
