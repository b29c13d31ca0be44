import { scope, step } from "../autograd/tape.js";
import type { Backbone } from "../models/backbone.js";
import type { DropPath } from "../nn/drop-path.js";
import { add, scale } from "../ops/elementwise.js";
import type { AdamW } from "../optim/adamw.js";
import { clipGradients } from "../optim/clip.js";
import { ema } from "../optim/ema.js";
import type { PoaBatch } from "./batch.js";
import type { Branch, Logits } from "./branch.js";
import type { Centering } from "./centering.js";
import { elasticObjective, intactObjective, type LossWeights, type Objective, type Targets } from "./objective.js";

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
    const share = 1 / batches.length;
    const parts = batches.map((makeBatch) => accumulateGradients(state, makeBatch(), settings, share));
    const { loss, logged } = total(parts, share);
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

/**
 * Forward of the three branches, objective, backward: what the step does before any weight changes. The students learn one
 * after the other, so that the activations of one network are held at a time.
 */
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
): LossValues {
  const { student } = state;
  return step(() => {
    const targets = scope(() => teacherTargets(state, batch, teacherTemperature));
    const intact = learn(share, () => {
      const output = student.forward(batch, dropPath.intact);
      return [output, intactObjective(batch, targets, output, weights)];
    });
    // The same weights, fewer channels and blocks: gradients of all passes land in the same tensors.
    const parts = elastic.map((backbone) =>
      learn(share, () => {
        const output = student.slice(backbone).forward(batch, dropPath.elastic);
        const shared = { taught: intact.logits, networks: elastic.length, weights };
        return [output, elasticObjective(batch, targets, output, shared)];
      }),
    );
    return total([intact, ...parts]);
  });
}

/** The objective and its parts under the published keys. */
interface LossValues {
  readonly loss: number;
  readonly logged: Record<string, number>;
}

/** Adds the gradient of one student's part to the weights' and gives its activations back; its logits stay, as plain values. */
function learn(share: number, pass: () => [Logits, Objective]): LossValues & { logits: Logits } {
  return step(() => {
    const [{ local, global }, { loss, logged }] = pass();
    scale(loss, share).backward();
    return { logits: { local, global }, loss: loss.item(), logged };
  });
}

function total(parts: readonly LossValues[], weight = 1): LossValues {
  const logged: Record<string, number> = {};
  let loss = 0;
  for (const part of parts) {
    loss += weight * part.loss;
    for (const key in part.logged) logged[key] = (logged[key] ?? 0) + weight * part.logged[key];
  }
  return { loss, logged };
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

/** Optimiser step with the clipped gradients, then the teacher follows the student. */
export function applyUpdate(
  { student, teacher, optimizer }: PoaState,
  { lr, lastLayerLr, weightDecay, momentum }: Pick<StepSettings, "lr" | "lastLayerLr" | "weightDecay" | "momentum">,
): void {
  optimizer.update({ lr, lastLayerLr, weightDecay });
  ema(teacher, student, momentum);
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
