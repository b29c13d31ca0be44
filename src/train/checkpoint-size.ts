import type { Config } from "../poa/config-keys.js";
import type { RunPlan } from "../poa/plan.js";
import type { TrainerState } from "./trainer.js";

/** What a file says about one tensor, and about itself, at most. */
const HEADER_BYTES = { tensor: 256, file: 16_384 };

/** What the checkpoints of a run are counted from. */
export interface PlannedRun {
  readonly config: Config;
  readonly plan: RunPlan;
  state(): TrainerState;
}

/** Bytes of one checkpoint, headers estimated upward. */
export function checkpointBytes({ student, teacher, optimizer }: TrainerState): number {
  const sizes = [student, teacher, optimizer].map((tensors) =>
    [...tensors.values()].reduce(
      (sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1) + HEADER_BYTES.tensor,
      HEADER_BYTES.file,
    ),
  );
  return sizes.reduce((a, b) => a + b, 0);
}

/** Checkpoints of a run that are on disk at the same time, at most: step 0, the newest, the best, and one in the writing. */
export function checkpointsAtOnce({ train }: Config, { totalIterations, checkpointEvery }: RunPlan): number {
  const kept = 1 + train.keep_last + train.keep_best + 1;
  if (train.checkpoint_every_minutes !== null || train.keep_best > 0) return kept;
  return Math.min(kept, 1 + Math.ceil(totalIterations / checkpointEvery));
}

/** Bytes of all checkpoints that a run will have on disk at the same time. */
export function plannedBytes(run: PlannedRun): number {
  return checkpointsAtOnce(run.config, run.plan) * checkpointBytes(run.state());
}
