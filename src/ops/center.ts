import { noGrad } from "../autograd/tape.js";
import { alone, type Collective, sumMemory, sumNumbers } from "../runtime/collective.js";
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
 * @param options.ranks  the processes over whose rows the mean goes; default this one alone
 * @throws ShapeError if the lengths differ
 */
export function moveCenter(
  center: Tensor,
  logits: Tensor,
  momentum: number,
  { ranks = alone }: { ranks?: Collective } = {},
): void {
  expectDType("moveCenter", { center, logits }, "f32");
  const { rows, cols, ld } = rowsOf("moveCenter", logits);
  expectShape("moveCenter", "center", center, [cols]);
  expectContiguous("moveCenter", { center });
  const [count] = sumNumbers(ranks, [rows]);
  if (count === 0) return; // no mean to move towards
  noGrad(() => {
    const sum = empty([cols]);
    kernels.column_sum_f32(cols, rows, logits.ptr, ld, 0, sum.ptr);
    sumMemory(ranks, [sum]);
    const kept = empty([cols]);
    kernels.scale_f32(cols, momentum, center.ptr, 0, kept.ptr);
    kernels.scale_f32(cols, (1 - momentum) / count, sum.ptr, 1, kept.ptr);
    kernels.scale_f32(cols, 1, kept.ptr, 0, center.ptr);
  });
}
