import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { summed } from "./cross-entropy.js";
import { filledRows } from "./rows.js";

/** In place of a class: the row belongs to none of them. */
export const NO_CLASS = -1;
/** In place of a class: the row takes no part. */
export const LEFT_OUT = -2;

/** How much negative and easy examples count, and a factor of the loss. */
export interface FocalLossOptions {
  /** α, weight of a row's class against the other classes, 0…1. Default 0.25. */
  alpha?: number;
  /** γ ≥ 0: how little counts what is right already. Default 2. */
  gamma?: number;
  /** Factor of the sum. Default 1. */
  scale?: number;
}

/**
 * Sigmoid focal loss (Lin et al., "Focal loss for dense object detection", 2017): scale · Σ −a·(1 − p)^γ·log p, where p is
 * σ(x) and a is α for a row's class, 1 − σ(x) and 1 − α for every other class.
 *
 * @param logits  x [R, K]
 * @param classes  of each row [R], from 0 to K − 1, or −1 for a row of no class, −2 for one that takes no part; a tensor is i32
 * @returns a scalar
 * @throws ShapeError if classes are of another number or outside the logits, or rows are not evenly spaced; ConfigError for
 *   α outside 0…1 or a negative γ; DTypeError
 */
export function focalLoss(
  logits: Tensor,
  classes: Int32Array | Tensor,
  { alpha = 0.25, gamma = 2, scale = 1 }: FocalLossOptions = {},
): Tensor {
  const labels = classes instanceof Int32Array ? fromArray(classes, [classes.length], "i32") : classes;
  expectDType("focalLoss", { logits }, "f32");
  expectDType("focalLoss", { classes: labels }, "i32");
  if (!(alpha >= 0 && alpha <= 1 && gamma >= 0)) {
    throw new ConfigError(`focalLoss: alpha is ${alpha} and gamma ${gamma}, expected 0 ≤ alpha ≤ 1 and gamma ≥ 0.`);
  }
  const { rows, cols, ld } = filledRows("focalLoss", logits);
  expectShape("focalLoss", "classes", labels, [rows]);
  expectContiguous("focalLoss", { classes: labels });
  expectLabels(labels.toArray(), cols);
  const loss = empty([rows]);
  const given = [logits.ptr, ld, labels.ptr, alpha, gamma, scale] as const;
  kernels.focal_loss_f32(rows, cols, ...given, loss.ptr);
  const y = summed(loss);
  return record("focalLoss", y, [logits], () => {
    const dx = gradTarget(logits);
    if (dx) kernels.focal_loss_grad_f32(rows, cols, ...given, gradOf(y), dx.beta, dx.ptr, ld);
  });
}

function expectLabels(labels: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] >= LEFT_OUT && labels[i] < classes) continue;
    throw new ShapeError(
      `focalLoss: classes[${i}] is ${labels[i]}, expected one of the ${classes} of the logits, ${NO_CLASS} for none or ${LEFT_OUT} to leave the row out.`,
    );
  }
}
