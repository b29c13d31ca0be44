import { weightedSum } from "../ops/reduce.js";
import { fromArray } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PoaBatch } from "./batch.js";
import type { BranchOutput, Logits } from "./branch.js";
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
  /** A part of the differentiated scalar. */
  readonly loss: Tensor;
  /** Values under the published keys and scales, which are not those of the objective (spec §4.6). */
  readonly logged: Record<string, number>;
}

/**
 * What the intact student adds to the objective of one batch (spec §4.6), H heads:
 * 1/H Σ_h λ(ℓloc + ℓglob + ℓibot) + koleo/2 · Σ ℓ.
 *
 * @param output  what the intact student says
 */
export function intactObjective(
  batch: PoaBatch,
  targets: Targets,
  output: BranchOutput,
  weights: LossWeights,
): Objective {
  return sumOf([
    ...teacherTerms(batch, targets, output, weights.lambda, weights),
    ...koleoTerms(batch, output, weights.koleo / 2),
  ]);
}

/**
 * What one elastic student adds, one of several that share its part evenly:
 * (1−λ)/networks · 1/H Σ_h {(ℓloc + ℓglob + ℓibot) + (dloc + dglob)} + koleo/(2·networks) · Σ ℓ.
 *
 * @param output  what the elastic student says
 * @param options.taught  what the intact student has said; no gradient flows into it
 * @param options.networks  elastic students of the step
 */
export function elasticObjective(
  batch: PoaBatch,
  targets: Targets,
  output: BranchOutput,
  { taught, networks, weights }: { taught: Logits; networks: number; weights: LossWeights },
): Objective {
  const share = (1 - weights.lambda) / networks;
  return sumOf([
    ...teacherTerms(batch, targets, output, share, weights),
    ...distillTerms(output, taught, share, networks),
    ...koleoTerms(batch, output, weights.koleo / (2 * networks)),
  ]);
}

function sumOf(terms: readonly Term[]): Objective {
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
function distillTerms(elastic: Logits, intact: Logits, share: number, networks: number): Term[] {
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
