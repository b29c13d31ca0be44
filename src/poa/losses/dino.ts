import { softCrossEntropy } from "../../ops/cross-entropy.js";
import type { Tensor } from "../../tensor/tensor.js";
import { STUDENT_TEMPERATURE } from "./temperature.js";

/** Teacher targets of one head for the class tokens. */
export interface ClassTargets {
  /** [2B, K]: crop 2 of all images, then crop 1, so that row i belongs to the other crop of student row i. */
  readonly swapped: Tensor;
  /** Sum of an image's two targets [B, K]; cross-entropy is linear in the target. */
  readonly summed: Tensor;
}

/** Number of (student crop, teacher crop) pairs that the published loss divides by (spec §4.2). */
const terms = (localCrops: number) => 2 + 2 * localCrops;

/**
 * Every local crop against both teacher views: Σ_c Σ_v CE(t_v, s_c) / (2 + 2·n).
 *
 * @param student  logits of the local crops [n·B, K]
 * @returns nats, a scalar
 */
export function dinoLocal(student: Tensor, { summed }: ClassTargets): Tensor {
  const images = summed.shape[0];
  const localCrops = student.shape[0] / images;
  return softCrossEntropy(student, summed, {
    temperature: STUDENT_TEMPERATURE,
    scale: 1 / (terms(localCrops) * images),
  });
}

/**
 * Each global crop against the other crop's teacher: 2 · mean CE / (2 + 2·n).
 *
 * @param student  logits of the global crops [2B, K]
 * @param localCrops  n, local crops per image
 * @returns nats, a scalar
 */
export function dinoGlobal(student: Tensor, { swapped }: ClassTargets, localCrops: number): Tensor {
  const rows = student.shape[0];
  return softCrossEntropy(student, swapped, {
    temperature: STUDENT_TEMPERATURE,
    scale: 2 / (terms(localCrops) * rows),
  });
}
