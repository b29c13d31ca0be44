import { scope, step } from "../autograd/tape.js";
import type { Backbone } from "../models/backbone.js";
import type { DropPath } from "../nn/drop-path.js";
import { add, scale } from "../ops/elementwise.js";
import type { AdamW } from "../optim/adamw.js";
import { clipGradients } from "../optim/clip.js";
import type { PoaBatch } from "./batch.js";
import type { Branch } from "./branch.js";
import type { Centering } from "./centering.js";
import { type LossWeights, objective, type Targets } from "./objective.js";

/** The networks that one run trains, and how teacher logits become targets, one centering per head. */
export interface PoaState {
  readonly student: Branch;
  readonly teacher: Branch;
  readonly optimizer: AdamW;
  readonly classCentering: readonly Centering[];
  readonly patchCentering: readonly Centering[];
}

/** The schedules at one iteration and what is drawn for it. */
export interface StepSettings {
  readonly lr: number;
  readonly lastLayerLr: number;
  readonly weightDecay: number;
  /** Of the teacher's moving average. */
  readonly momentum: number;
  readonly teacherTemperature: number;
  /** Largest gradient norm of a sub-module. */
  readonly clip: number;
  readonly weights: LossWeights;
  /** This step's elastic networks: parts of the student's backbone. */
  readonly elastic: readonly Backbone[];
  readonly dropPath: { readonly intact: DropPath; readonly elastic: DropPath };
}

export interface StepResult {
  /** The objective. */
  readonly loss: number;
  /** Loss values under the published keys. */
  readonly logged: Record<string, number>;
  /** Gradient norms before clipping, by sub-module. */
  readonly gradientNorms: Record<string, number>;
  /** False if a loss or gradient was not finite: then all is as it was before the step. */
  readonly updated: boolean;
}

/**
 * One training step of POA (Algorithm 1 of the paper; order of spec §1.1) over one batch, or over micro-batches whose
 * gradients are averaged. A step that throws, or whose loss or gradient is not finite, changes nothing.
 *
 * @param batches  make the micro-batches, one at a time, since they may share their slots
 */
export function poaStep(state: PoaState, batches: readonly (() => PoaBatch)[], settings: StepSettings): StepResult {
  const marks = [...state.classCentering, ...state.patchCentering].map((centering) => centering.mark());
  let updated = false;
  try {
    const logged: Record<string, number> = {};
    let loss = 0;
    for (const makeBatch of batches) {
      const part = accumulateGradients(state, makeBatch(), settings, 1 / batches.length);
      loss += part.loss / batches.length;
      for (const key in part.logged) logged[key] = (logged[key] ?? 0) + part.logged[key] / batches.length;
    }
    const gradientNorms = clipBySubModule(state.student, settings.clip);
    updated = [loss, ...Object.values(gradientNorms)].every(Number.isFinite);
    if (updated) applyUpdate(state, settings);
    return { loss, logged, gradientNorms, updated };
  } finally {
    if (!updated) {
      state.optimizer.discardGradients();
      for (const goBack of marks) goBack();
    }
  }
}

/** Forward of the three branches, objective, backward: what the step does before any weight changes. */
export function accumulateGradients(
  state: PoaState,
  batch: PoaBatch,
  {
    teacherTemperature,
    elastic,
    dropPath,
    weights,
  }: Pick<StepSettings, "teacherTemperature" | "elastic" | "dropPath" | "weights">,
  share = 1,
): { loss: number; logged: Record<string, number> } {
  const { student } = state;
  return step(() => {
    const targets = scope(() => teacherTargets(state, batch, teacherTemperature));
    const intact = student.forward(batch, dropPath.intact);
    // The same weights, fewer channels and blocks: gradients of both passes land in the same tensors.
    const parts = elastic.map((backbone) => student.slice(backbone).forward(batch, dropPath.elastic));
    const { loss, logged } = objective(batch, targets, intact, parts, weights);
    scale(loss, share).backward();
    return { loss: loss.item(), logged };
  });
}

/** The teacher's targets per head (spec §4.1). */
export function teacherTargets(
  { teacher, classCentering, patchCentering }: PoaState,
  batch: PoaBatch,
  temperature: number,
): Targets {
  const { global, patch } = teacher.forwardTeacher(batch);
  const classes = global.map((logits, h) => {
    const swapped = classCentering[h].targets(logits, temperature); //           [2B, K]
    const { images } = batch;
    return { swapped, summed: add(swapped.narrow(0, 0, images), swapped.narrow(0, images, images)) };
  });
  return { classes, patches: patch.map((logits, h) => patchCentering[h].targets(logits, temperature)) };
}

/** Optimiser step with the clipped gradients; the teacher follows the student. */
export function applyUpdate(
  { student, teacher, optimizer }: PoaState,
  { lr, lastLayerLr, weightDecay, momentum }: Pick<StepSettings, "lr" | "lastLayerLr" | "weightDecay" | "momentum">,
): void {
  optimizer.update({ lr, lastLayerLr, weightDecay }, { teacher, student, momentum });
}

/** Backbone and heads are clipped on their own, as published (spec §5.4). Returns the norms before. */
export function clipBySubModule({ backbone, dino_head, ibot_head }: Branch, maxNorm: number): Record<string, number> {
  const norms: Record<string, number> = {
    backbone: clipGradients(backbone, maxNorm),
    dino_head: clipGradients(dino_head, maxNorm),
  };
  if (ibot_head) norms.ibot_head = clipGradients(ibot_head, maxNorm);
  return norms;
}
