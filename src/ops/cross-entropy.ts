import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { sumInto } from "./reduce.js";
import { expectTemperature, filledRows } from "./rows.js";

/** Temperature of the logits, and how much each row counts. */
export interface SoftCrossEntropyOptions {
  /** τ > 0; default 1. */
  temperature?: number;
  /** w [R], a weight per row; default all 1. */
  weights?: Tensor | null;
  /** Factor on the sum; default 1. */
  scale?: number;
}

/**
 * scale · Σ_i w_i · Σ_k −t_k · log softmax(s_i/τ)_k, with target row i mod T for row i.
 *
 * @param logits   s [R, K]
 * @param targets  t [T, K], need not sum to 1; no gradient flows into them
 * @returns nats, a scalar
 * @throws ShapeError if K differs, T does not divide R, or weights are of another number; ConfigError, DTypeError
 */
export function softCrossEntropy(
  logits: Tensor,
  targets: Tensor,
  { temperature = 1, weights = null, scale = 1 }: SoftCrossEntropyOptions = {},
): Tensor {
  expectDType("softCrossEntropy", { logits, targets, weights }, "f32");
  expectTemperature("softCrossEntropy", temperature);
  const { rows, cols, ld } = filledRows("softCrossEntropy", logits);
  const target = rowsOf("softCrossEntropy", targets);
  if (target.cols !== cols || (rows > 0 && rows % target.rows !== 0)) {
    throw new ShapeError(
      `softCrossEntropy: targets are ${formatShape(targets.shape)}, expected ${cols} columns and a number of rows that divides ${rows}.`,
    );
  }
  if (weights) expectShape("softCrossEntropy", "weights", weights, [rows]);
  expectContiguous("softCrossEntropy", { weights });
  const [loss, lse, total] = [empty([rows]), empty([rows]), empty([rows])];
  const given = [targets.ptr, target.ld, target.rows, weights?.ptr ?? 0] as const;
  kernels.cross_entropy_f32(rows, cols, logits.ptr, ld, temperature, ...given, scale, loss.ptr, lse.ptr, total.ptr);
  const y = summed(loss);
  return record("softCrossEntropy", y, [logits], () => {
    const dx = gradTarget(logits);
    if (!dx) return;
    const saved = [lse.ptr, total.ptr, scale, gradOf(y)] as const;
    kernels.cross_entropy_grad_f32(rows, cols, logits.ptr, ld, temperature, ...given, ...saved, dx.beta, dx.ptr, ld);
  });
}

/**
 * scale · Σ_i H(softmax(t_i/τ), softmax(s_i/τ)): what a student's logits lack of a teacher's.
 *
 * @param student  s [R, K]
 * @param teacher  t [R, K]; no gradient flows into it
 * @returns nats, a scalar
 * @throws ShapeError if the two differ, or their rows are not evenly spaced; ConfigError, DTypeError
 */
export function distillation(
  student: Tensor,
  teacher: Tensor,
  { temperature = 1, scale = 1 }: { temperature?: number; scale?: number } = {},
): Tensor {
  expectDType("distillation", { student, teacher }, "f32");
  expectTemperature("distillation", temperature);
  expectShape("distillation", "teacher", teacher, student.shape);
  const { rows, cols, ld } = filledRows("distillation", student);
  const ldt = rowsOf("distillation", teacher).ld;
  const [loss, lseStudent, lseTeacher] = [empty([rows]), empty([rows]), empty([rows])];
  const logits = [student.ptr, ld, teacher.ptr, ldt, temperature] as const;
  kernels.distill_f32(rows, cols, ...logits, scale, loss.ptr, lseStudent.ptr, lseTeacher.ptr);
  const y = summed(loss);
  return record("distillation", y, [student], () => {
    const dx = gradTarget(student);
    if (!dx) return;
    kernels.distill_grad_f32(
      rows,
      cols,
      ...logits,
      lseStudent.ptr,
      lseTeacher.ptr,
      scale,
      gradOf(y),
      dx.beta,
      dx.ptr,
      ld,
    );
  });
}

/**
 * Mean over rows of −log softmax(x_i) at the row's class.
 *
 * @param logits  x [R, K]
 * @param classes  of each row [R], from 0 to K − 1; a tensor is i32
 * @param options.ignore  a label, outside the classes or not, whose rows do not count: they have no part in the mean and
 *   receive no gradient. Where no row counts the loss is 0
 * @returns nats, a scalar
 * @throws ShapeError if there is no row, or labels are of another number or outside the classes; DTypeError
 */
export function crossEntropy(
  logits: Tensor,
  classes: Int32Array | Tensor,
  { ignore }: { ignore?: number } = {},
): Tensor {
  const given = classes instanceof Int32Array ? fromArray(classes, [classes.length], "i32") : classes;
  expectDType("crossEntropy", { logits }, "f32");
  expectDType("crossEntropy", { labels: given }, "i32");
  const { rows, cols, ld } = filledRows("crossEntropy", logits);
  if (rows === 0)
    throw new ShapeError(`crossEntropy: logits ${formatShape(logits.shape)} have no row to average over.`);
  expectShape("crossEntropy", "labels", given, [rows]);
  expectContiguous("crossEntropy", { labels: given });
  const { labels, counted } = countedLabels(given, cols, ignore);
  const scale = 1 / Math.max(counted, 1);
  const [loss, lse] = [empty([rows]), empty([rows])];
  kernels.cross_entropy_labels_f32(rows, cols, logits.ptr, ld, labels.ptr, scale, loss.ptr, lse.ptr);
  const y = summed(loss);
  return record("crossEntropy", y, [logits], () => {
    const dx = gradTarget(logits);
    if (!dx) return;
    kernels.cross_entropy_labels_grad_f32(
      rows,
      cols,
      logits.ptr,
      ld,
      labels.ptr,
      lse.ptr,
      scale,
      gradOf(y),
      dx.beta,
      dx.ptr,
      ld,
    );
  });
}

/** Labels as kernels take them, −1 for rows that do not count, and the number of those that do. @throws ShapeError */
function countedLabels(
  given: Tensor,
  classes: number,
  ignore: number | undefined,
): { labels: Tensor; counted: number } {
  const labels = given.toArray() as Int32Array;
  let counted = labels.length;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === ignore) {
      labels[i] = -1;
      counted--;
    } else if (!(labels[i] >= 0 && labels[i] < classes)) {
      throw new ShapeError(`crossEntropy: labels[${i}] is ${labels[i]}, outside the ${classes} classes of the logits.`);
    }
  }
  return { labels: counted === labels.length ? given : fromArray(labels, [labels.length], "i32"), counted };
}

/** The sum of the rows' losses as a scalar, in an order that depends on their number only. Gives their memory back. */
export function summed(loss: Tensor): Tensor {
  const y = empty([]);
  sumInto(loss.numel, loss.ptr, y.ptr);
  loss.dispose();
  return y;
}
