import { softCrossEntropy } from "../../ops/cross-entropy.js";
import type { Tensor } from "../../tensor/tensor.js";
import { STUDENT_TEMPERATURE } from "./temperature.js";

/**
 * Masked patch loss (iBOT, spec §4.4): (1/2B) Σ_i u_i · CE(t_i, s_i) with u_i = 1 / (masked patches of its image). Divided by
 * all 2B global crops, also the unmasked ones.
 *
 * @param student  logits at the masked patches [M, K]
 * @param targets  the teacher's targets there [M, K]
 * @param weights  u [M]
 * @param crops  2B
 * @returns nats, a scalar
 */
export function maskedPatches(student: Tensor, targets: Tensor, weights: Tensor, crops: number): Tensor {
  return softCrossEntropy(student, targets, { temperature: STUDENT_TEMPERATURE, weights, scale: 1 / crops });
}
