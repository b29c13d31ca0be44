import * as reference from "../reference/giou.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

/** Boxes that overlap, touch, contain and miss their targets, or have no side. */
const boxes = [
  ...[0, 0, 2, 2],
  ...[0, 0, 1, 1],
  ...[-3, -2, 4, 5],
  ...[0.25, 0.25, 0.5, 0.75],
  ...[5, 5, 6, 8],
  ...[2, 1, 1, 2],
  ...[0.1, 0.3, 1.7, 0.9],
];
const targets = [
  ...[1, 1, 3, 3],
  ...[2, 0, 3, 1],
  ...[0, 0, 1, 1],
  ...[0, 0, 1, 1],
  ...[0, 0, 1, 1],
  ...[0, 0, 3, 3],
  ...[0.2, 0.1, 1.5, 1.1],
];

for (const rows of [0, 1, 5, 7]) {
  for (const weighted of [false, true]) {
    const weights = (m: TestMemory) => (weighted ? m.input(rows, { low: 0, high: 2 }) : 0);

    test(`the GIoU loss of ${rows} boxes equals its reference${weighted ? " with weights" : ""}`, () => {
      checkKernel("giou_loss_f32", reference.giou_loss_f32, {
        args: (m) => [
          ...[rows, m.input(boxes.slice(0, 4 * rows)), m.input(targets.slice(0, 4 * rows))],
          ...[weights(m), 0.5, m.output(rows)],
        ],
      });
    });

    for (const beta of [0, 1]) {
      test(`its gradient equals its reference for ${rows} boxes, beta ${beta}${weighted ? ", with weights" : ""}`, () => {
        checkKernel("giou_loss_grad_f32", reference.giou_loss_grad_f32, {
          args: (m) => [
            ...[rows, m.input(boxes.slice(0, 4 * rows)), m.input(targets.slice(0, 4 * rows))],
            ...[weights(m), 0.5, m.input([3]), beta, m.output(4 * rows, { beta })],
          ],
        });
      });
    }
  }
}
