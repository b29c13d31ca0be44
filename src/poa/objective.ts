import { weightedSum } from "../ops/reduce.js";
import { fromArray } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PoaBatch } from "./batch.js";
import type { BranchOutput } from "./branch.js";
import { type ClassTargets, dinoGlobal, dinoLocal } from "./losses/dino.js";
import { distill } from "./losses/distill.js";
import { koleo } from "./losses/koleo.js";
import { maskedPatches } from "./losses/patch.js";

/** Weights of the objective (spec §4.6). */
export interface LossWeights {
  /** λ: share of the intact student; 1 − λ goes to the elastic one and to the distillation. */
  readonly lambda: number;
  readonly dino: number;
  readonly ibot: number;
  readonly koleo: number;
}

/** The teacher's targets per head; patch targets are empty while the patch loss is off. */
export interface Targets {
  readonly classes: readonly ClassTargets[];
  readonly patches: readonly Tensor[];
}

/** One loss value with its weight in the objective and its weight in the log. */
interface Term {
  readonly key: string;
  readonly value: Tensor;
  readonly weight: number;
  readonly logWeight: number;
}

export interface Objective {
  /** The differentiated scalar. */
  readonly loss: Tensor;
  /** Values under the published keys and scales, which are not those of the objective (spec §4.6). */
  readonly logged: Record<string, number>;
}

/**
 * The objective of one batch (spec §4.6), averaged over heads, with the elastic share spread evenly over the elastic networks:
 * L = 1/H Σ_h { λ(ℓloc + ℓglob + ℓibot)_I + (1−λ)(ℓloc + ℓglob + ℓibot)_E + (1−λ)(dloc + dglob) } + koleo/2 · Σ (ℓ_I + ℓ_E).
 */
export function objective(
  batch: PoaBatch,
  targets: Targets,
  intact: BranchOutput,
  elastic: readonly BranchOutput[],
  weights: LossWeights,
): Objective {
  const { lambda } = weights;
  const share = (1 - lambda) / elastic.length;
  const terms = [
    ...teacherTerms(batch, targets, intact, lambda, weights),
    ...elastic.flatMap((output) => teacherTerms(batch, targets, output, share, weights)),
    ...elastic.flatMap((output) => distillTerms(output, intact, share, elastic.length)),
    ...koleoTerms(batch, intact, weights.koleo / 2),
    ...elastic.flatMap((output) => koleoTerms(batch, output, weights.koleo / (2 * elastic.length))),
  ];
  const logged: Record<string, number> = {};
  for (const { key, value, logWeight } of terms) logged[key] = (logged[key] ?? 0) + logWeight * value.item();
  const loss = weightedSum(
    terms.map(({ value }) => value),
    terms.map(({ weight }) => weight),
  );
  return { loss, logged };
}

/** Cross-view class losses and masked patch losses of one student against the teacher. */
function teacherTerms(
  batch: PoaBatch,
  targets: Targets,
  output: BranchOutput,
  share: number,
  weights: LossWeights,
): Term[] {
  const heads = output.global.length;
  const localCrops = batch.locals ? batch.locals.shape[0] / batch.images : 0;
  const dinoShare = share * weights.dino;
  const ibotShare = share * weights.ibot;
  const terms: Term[] = [];
  const term = (key: string, value: Tensor, weight: number, logWeight = weight) =>
    terms.push({ key, value, weight: weight / heads, logWeight });
  targets.classes.forEach((target, h) => {
    if (localCrops > 0) term(`dino_local_crops_loss_${h}`, dinoLocal(output.local[h], target), dinoShare);
    term(`dino_global_crops_loss_${h}`, dinoGlobal(output.global[h], target, localCrops), dinoShare);
  });
  if (batch.masked) {
    const patchWeights = fromArray(batch.masked.weights, [batch.masked.weights.length]);
    targets.patches.forEach((target, h) => {
      const value = maskedPatches(output.patch[h], target, patchWeights, 2 * batch.images);
      term(`ibot_loss_${h}`, value, ibotShare, ibotShare / 2);
    });
  }
  return terms;
}

/** Same-view distillation; not divided by the number of crop pairs and not scaled by the DINO weight (spec §4.3). */
function distillTerms(elastic: BranchOutput, intact: BranchOutput, share: number, networks: number): Term[] {
  const heads = elastic.global.length;
  const terms: Term[] = [];
  const term = (key: string, value: Tensor) =>
    terms.push({ key, value, weight: share / heads, logWeight: 1 / networks });
  for (let h = 0; h < heads; h++) {
    if (elastic.local.length > 0) term(`distill_local_crops_loss_${h}`, distill(elastic.local[h], intact.local[h]));
    term(`distill_global_crops_loss_${h}`, distill(elastic.global[h], intact.global[h]));
  }
  return terms;
}

/** KoLeo for each of the two global crops on its own. */
function koleoTerms({ images }: PoaBatch, { features }: BranchOutput, weight: number): Term[] {
  if (weight === 0) return [];
  return [0, 1].map((crop) => ({
    key: "koleo_loss",
    value: koleo(features.narrow(0, crop * images, images)),
    weight,
    logWeight: weight / 2,
  }));
}
