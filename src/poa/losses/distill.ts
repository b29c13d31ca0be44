import { distillation } from "../../ops/cross-entropy.js";
import type { Tensor } from "../../tensor/tensor.js";
import { STUDENT_TEMPERATURE } from "./temperature.js";

/**
 * Same-view distillation, intact teaches elastic: mean over rows of H(softmax(t/τ′), softmax(s/τ′)) (spec §4.3).
 *
 * @param elastic  logits of the elastic student [R, K]
 * @param intact  logits of the intact student for the same crops [R, K]; no gradient flows into it
 * @returns nats, a scalar
 */
export function distill(elastic: Tensor, intact: Tensor): Tensor {
  return distillation(elastic, intact, { temperature: STUDENT_TEMPERATURE, scale: 1 / elastic.shape[0] });
}
