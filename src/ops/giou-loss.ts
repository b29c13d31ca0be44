import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { summed } from "./cross-entropy.js";
import { contiguous } from "./layout.js";

/** How much each box counts, and a factor of the loss. */
export interface GiouLossOptions {
  /** [R]; default all 1. No gradient flows into it. */
  weights?: Tensor | null;
  /** Factor of the sum. Default 1. */
  scale?: number;
}

/**
 * scale · Σ_r w_r·(1 − GIoU_r) with GIoU = I/U − (C − U)/C over the areas of intersection, union and hull (Rezatofighi et al.,
 * "Generalized intersection over union", 2019). A box whose edges have changed places has no area; its edges still see the hull.
 *
 * @param boxes  [R, 4]: left, top, right, bottom
 * @param targets  [R, 4] of positive area; no gradient flows into them
 * @returns a scalar
 * @throws ShapeError if shapes do not fit, or a target has no area; DTypeError
 */
export function giouLoss(boxes: Tensor, targets: Tensor, { weights = null, scale = 1 }: GiouLossOptions = {}): Tensor {
  expectDType("giouLoss", { boxes, targets, weights }, "f32");
  if (boxes.shape.length !== 2 || boxes.shape[1] !== 4)
    throw new ShapeError(`giouLoss: boxes are ${formatShape(boxes.shape)}, expected [R, 4].`);
  const [rows] = boxes.shape;
  expectShape("giouLoss", "targets", targets, [rows, 4]);
  if (weights) expectShape("giouLoss", "weights", weights, [rows]);
  expectContiguous("giouLoss", { weights });
  const [a, b] = [contiguous(boxes), contiguous(targets)];
  expectAreas(b.toArray());
  const loss = empty([rows]);
  const given = [a.ptr, b.ptr, weights?.ptr ?? 0, scale] as const;
  kernels.giou_loss_f32(rows, ...given, loss.ptr);
  const y = summed(loss);
  return record("giouLoss", y, [a], () => {
    const da = gradTarget(a);
    if (da) kernels.giou_loss_grad_f32(rows, ...given, gradOf(y), da.beta, da.ptr);
  });
}

function expectAreas(targets: ArrayLike<number>): void {
  for (let at = 0; at < targets.length; at += 4) {
    if (targets[at + 2] > targets[at] && targets[at + 3] > targets[at + 1]) continue;
    const edges = Array.from({ length: 4 }, (_, i) => targets[at + i]).join(", ");
    throw new ShapeError(`giouLoss: target ${at / 4} has no area (${edges}), expected left < right and top < bottom.`);
  }
}
