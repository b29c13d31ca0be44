import { scope, step } from "../autograd/tape.js";
import type { Backbone } from "../models/backbone.js";
import type { DropPath } from "../nn/drop-path.js";
import { add } from "../ops/elementwise.js";
import type { AdamW } from "../optim/adamw.js";
import { averageGradients } from "../optim/average.js";
import { clipGradients } from "../optim/clip.js";
import type { Collective } from "../runtime/collective.js";
import { phase } from "../runtime/profile.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PoaBatch } from "./batch.js";
import type { Branch } from "./branch.js";
import type { Centering } from "./centering.js";
import { type LossValues, learn, meanOverRanks, total } from "./learn.js";
import { type NonFiniteTensor, nonFiniteTensors } from "./non-finite.js";
import { elasticRole, intactRole, type LossWeights, type Targets } from "./objective.js";

/** The networks that one run trains, and how teacher logits become targets, one centering per head. */
export interface PoaState {
  readonly student: Branch;
  readonly teacher: Branch;
  readonly optimizer: AdamW;
  readonly classCentering: readonly Centering[];
  readonly patchCentering: readonly Centering[];
  /** The processes that train together, each on batches and elastic networks of its own. */
  readonly ranks: Collective;
}

/** What the teacher says about the global crops of a micro-batch. The tensors are gone when the one who is shown them returns. */
export interface TeacherView {
  /** B */
  readonly images: number;
  /** Class features [2B, F]. */
  readonly features: Tensor;
  /** Targets of the class tokens [2B, K] per head. */
  readonly targets: readonly Tensor[];
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
  /** Is shown the teacher's view of every micro-batch; may read its tensors and make none. */
  readonly observe?: (view: TeacherView) => void;
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
  /** Which weights and gradients were not finite then. */
  readonly nonFinite: readonly NonFiniteTensor[];
}

/**
 * One training step of POA (Algorithm 1 of the paper; order of spec §1.1) over one batch, or over micro-batches whose
 * gradients are averaged, and over ranks likewise. A step that throws, or whose loss or gradient is not finite on any rank,
 * changes nothing on any.
 *
 * @param batches  make the micro-batches, one at a time, since they may share their slots
 */
export function poaStep(state: PoaState, batches: readonly (() => PoaBatch)[], settings: StepSettings): StepResult {
  const marks = [...state.classCentering, ...state.patchCentering].map((centering) => centering.mark());
  let updated = false;
  try {
    const share = 1 / batches.length;
    const parts = batches.map((makeBatch) => accumulateGradients(state, phase("data", makeBatch), settings, share));
    const { loss, logged } = meanOverRanks(total(parts, share), state.ranks);
    averageGradients(state.student.parameters(), state.ranks);
    const gradientNorms = phase("clip", () => clipBySubModule(state.student, settings.clip));
    updated = [loss, ...Object.values(gradientNorms)].every(Number.isFinite);
    if (updated) phase("update", () => applyUpdate(state, settings));
    return { loss, logged, gradientNorms, updated, nonFinite: updated ? [] : nonFiniteTensors(state) };
  } finally {
    if (!updated) {
      state.optimizer.discardGradients();
      for (const goBack of marks) goBack();
    }
  }
}

/**
 * Forward of the three branches, objective, backward: what the step does before any weight changes. The students learn one
 * after the other, and one kind of crops after the other, so that the activations of one pass are held at a time.
 */
export function accumulateGradients(
  state: PoaState,
  batch: PoaBatch,
  {
    teacherTemperature,
    elastic,
    dropPath,
    weights,
    observe,
  }: Pick<StepSettings, "teacherTemperature" | "elastic" | "dropPath" | "weights" | "observe">,
  share = 1,
): LossValues {
  const { student } = state;
  return step(() => {
    const targets = phase("teacher", () => scope(() => teacherTargets(state, batch, teacherTemperature, observe)));
    const lesson = { batch, targets, weights, share };
    const intact = phase("intact", () => learn(student, intactRole(weights), { ...lesson, dropPath: dropPath.intact }));
    // The same weights, fewer channels and blocks: gradients of all passes land in the same tensors.
    const parts = elastic.map((backbone) => {
      const role = elasticRole(weights, elastic.length, intact.logits);
      const part = student.slice(backbone);
      return phase("elastic", () => learn(part, role, { ...lesson, dropPath: dropPath.elastic }));
    });
    return total([intact, ...parts]);
  });
}

/** The teacher's targets per head (spec §4.1). */
export function teacherTargets(
  { teacher, classCentering, patchCentering }: PoaState,
  batch: PoaBatch,
  temperature: number,
  observe?: StepSettings["observe"],
): Targets {
  const { features, logits, patch } = teacher.forwardTeacher(batch);
  const { images } = batch;
  const classes = logits.map((x, h) => {
    const swapped = classCentering[h].targets(x, temperature); //                [2B, K]
    return { swapped, summed: add(swapped.narrow(0, 0, images), swapped.narrow(0, images, images)) };
  });
  observe?.({ images, features, targets: classes.map(({ swapped }) => swapped) });
  return { classes, patches: patch.map((x, h) => patchCentering[h].targets(x, temperature)) };
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
