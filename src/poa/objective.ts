import { weightedSum } from "../ops/reduce.js";
import { fromArray } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PoaBatch } from "./batch.js";
import type { GlobalOutput, Logits } from "./branch.js";
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

/** What the students of a step learn from. */
export interface Lesson {
  readonly batch: PoaBatch;
  readonly targets: Targets;
  readonly weights: LossWeights;
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
 * The part that one student has in the objective (spec §4.6). Over all students, with H heads and n elastic ones:
 * L = 1/H Σ_h { λ(ℓloc + ℓglob + ℓibot)_I + (1−λ)/n Σ_E (ℓloc + ℓglob + ℓibot + dloc + dglob)_E }
 *     + koleo/2 · (Σ ℓ_I + 1/n Σ_E Σ ℓ_E).
 */
export interface Role {
  /** λ, or (1 − λ)/n. */
  readonly share: number;
  /** 1, or 1/n: of what is not weighted by λ. */
  readonly evenShare: number;
  /** What the intact student said, for an elastic one to learn from; no gradient flows into it. */
  readonly taught: Logits | null;
}

export const intactRole = ({ lambda }: LossWeights): Role => ({ share: lambda, evenShare: 1, taught: null });

export const elasticRole = ({ lambda }: LossWeights, networks: number, taught: Logits): Role => ({
  share: (1 - lambda) / networks,
  evenShare: 1 / networks,
  taught,
});

/** What a student's global crops add to the objective: against the teacher, against the intact student, and KoLeo. */
export function globalObjective(
  { batch, targets, weights }: Lesson,
  { logits, patch, features }: GlobalOutput,
  { share, evenShare, taught }: Role,
): Objective {
  const { images, masked } = batch;
  const heads = logits.length;
  const localCrops = batch.locals ? batch.locals.shape[0] / images : 0;
  const dino = share * weights.dino;
  const ibot = share * weights.ibot;
  const terms: Term[] = targets.classes.map((target, h) => ({
    key: `dino_global_crops_loss_${h}`,
    value: dinoGlobal(logits[h], target, localCrops),
    weight: dino / heads,
    logWeight: dino,
  }));
  if (masked) {
    const patchWeights = fromArray(masked.weights, [masked.weights.length]);
    targets.patches.forEach((target, h) => {
      const value = maskedPatches(patch[h], target, patchWeights, 2 * images);
      terms.push({ key: `ibot_loss_${h}`, value, weight: ibot / heads, logWeight: ibot / 2 });
    });
  }
  if (taught) terms.push(...distillTerms("global", logits, taught.global, { share, evenShare }));
  if (weights.koleo !== 0) {
    const weight = (evenShare * weights.koleo) / 2;
    // Each of the two global crops on its own.
    for (const crop of [0, 1]) {
      const value = koleo(features.narrow(0, crop * images, images));
      terms.push({ key: "koleo_loss", value, weight, logWeight: weight / 2 });
    }
  }
  return sumOf(terms);
}

/** What a student's local crops add to the objective. */
export function localObjective(
  { targets, weights }: Lesson,
  logits: readonly Tensor[],
  { share, evenShare, taught }: Role,
): Objective {
  const dino = share * weights.dino;
  const terms: Term[] = targets.classes.map((target, h) => ({
    key: `dino_local_crops_loss_${h}`,
    value: dinoLocal(logits[h], target),
    weight: dino / logits.length,
    logWeight: dino,
  }));
  if (taught) terms.push(...distillTerms("local", logits, taught.local, { share, evenShare }));
  return sumOf(terms);
}

/** Same-view distillation; not divided by the number of crop pairs and not scaled by the DINO weight (spec §4.3). */
function distillTerms(
  crops: "global" | "local",
  logits: readonly Tensor[],
  taught: readonly Tensor[],
  { share, evenShare }: Pick<Role, "share" | "evenShare">,
): Term[] {
  return logits.map((student, h) => ({
    key: `distill_${crops}_crops_loss_${h}`,
    value: distill(student, taught[h]),
    weight: share / logits.length,
    logWeight: evenShare,
  }));
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
