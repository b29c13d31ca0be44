import { noGrad } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";

/**
 * Moves a running mean: c ← momentum·c + (1 − momentum)·mean of the rows. Carries no gradient.
 *
 * @param center  c [K], overwritten
 * @param logits  rows [R, K]
 * @throws ShapeError if the lengths differ
 */
export function moveCenter(center: Tensor, logits: Tensor, momentum: number): void {
  expectDType("moveCenter", { center, logits }, "f32");
  const { rows, cols, ld } = rowsOf("moveCenter", logits);
  expectShape("moveCenter", "center", center, [cols]);
  expectContiguous("moveCenter", { center });
  if (rows === 0) return; // no mean to move towards
  noGrad(() => {
    const sum = empty([cols]);
    kernels.column_sum_f32(cols, rows, logits.ptr, ld, 0, sum.ptr);
    const kept = empty([cols]);
    kernels.scale_f32(cols, momentum, center.ptr, 0, kept.ptr);
    kernels.scale_f32(cols, (1 - momentum) / rows, sum.ptr, 1, kept.ptr);
    kernels.scale_f32(cols, 1, kept.ptr, 0, center.ptr);
  });
}
