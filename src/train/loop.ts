import { NumericError } from "../errors.js";
import { type EvaluateTeacher, type Evaluation, Evaluations } from "./evaluation.js";
import { eventTurns } from "./event-turn.js";
import type { RunFolder } from "./run-folder.js";
import { RunLog } from "./run-log.js";
import type { StepReport, Trainer } from "./trainer.js";

export interface LoopOptions {
  /** What the teacher's checkpoint file says about its network, as JSON text. */
  readonly model: string;
  /** Finishes the step, saves, and returns early. */
  readonly signal?: AbortSignal;
  readonly onStep?: (report: StepReport) => void;
  /** Evaluates the teacher from time to time, as the config's `evaluation` says. */
  readonly evaluate?: EvaluateTeacher;
  readonly onEvaluation?: (evaluation: Evaluation) => void;
  readonly onWarning?: (message: string) => void;
}

export interface LoopResult {
  /** Iterations done since the start of the run. */
  readonly iterations: number;
  readonly imagesSeen: number;
  /** Of this call, waiting for data included, evaluations left out. */
  readonly imagesPerSecond: number;
  /** Share of the time spent waiting for data. */
  readonly dataWaitShare: number;
  /** Objective of the last step; null if none was done. */
  readonly loss: number | null;
  readonly interrupted: boolean;
}

/**
 * Trains to the end of the plan: a line of metrics per step, checkpoints at step 0, at intervals and at the end, evaluations
 * likewise if there is something to evaluate with.
 *
 * @throws NumericError after too many steps in a row whose loss or gradient was not finite, or if a weight is not; and if the
 *   run has collapsed and is to stop then
 * @throws ResourceError if the disk is full
 */
export async function trainLoop(trainer: Trainer, folder: RunFolder, options: LoopOptions): Promise<LoopResult> {
  const { signal, onStep, evaluate, onWarning = () => {} } = options;
  const { train } = trainer.config;
  const start = performance.now();
  const totals = { images: 0, waitMs: 0, loss: null as number | null };
  let savedAt = performance.now();
  let savedStep = folder.checkpoints.steps().includes(trainer.iteration) ? trainer.iteration : -1;
  let badSteps = 0;
  const nextTurn = eventTurns();
  const log = new RunLog(folder, train);
  const evaluations = evaluate ? new Evaluations(trainer, folder, { ...options, evaluate, onWarning }) : null;
  const save = () => {
    folder.checkpoints.save(trainer.state(), options.model);
    folder.checkpoints.prune(train.keep_last);
    savedAt = performance.now();
    savedStep = trainer.iteration;
  };

  if (savedStep < 0) save();
  await evaluations?.atStart();
  log.endStretch();
  while (!trainer.finished) {
    await nextTurn();
    if (signal?.aborted) break;
    const evaluationDue = evaluations?.due ?? false;
    const report = await trainer.step({ observe: evaluationDue });
    totals.images += report.images;
    totals.waitMs += report.dataWaitMs;
    totals.loss = report.loss;
    log.step(report);
    onStep?.(report);
    badSteps = report.updated ? 0 : badSteps + 1;
    if (badSteps === 1)
      onWarning(`step ${report.iteration}: the loss or a gradient is not finite; the step is skipped.`);
    expectSound(trainer, report, { badSteps, lastGood: folder.checkpoints.folderOf(savedStep) });
    if (evaluationDue) {
      log.endStretch();
      await evaluations?.evaluate(report);
      log.endStretch(); // an evaluation is no training
    }
    const minutes = (performance.now() - savedAt) / 60_000;
    const due =
      trainer.iteration % trainer.plan.checkpointEvery === 0 ||
      minutes >= (train.checkpoint_every_minutes ?? Number.POSITIVE_INFINITY);
    if (due && badSteps === 0) save();
  }
  if (savedStep !== trainer.iteration) save();
  log.endStretch();
  const seconds = (performance.now() - start - (evaluations?.elapsedMs ?? 0)) / 1000;
  return {
    iterations: trainer.iteration,
    imagesSeen: trainer.iteration * trainer.plan.imagesPerStep,
    imagesPerSecond: totals.images / seconds,
    dataWaitShare: totals.waitMs / 1000 / seconds,
    loss: totals.loss,
    interrupted: !trainer.finished,
  };
}

/** @throws NumericError if the run is to end here */
function expectSound(
  { config }: Trainer,
  { iteration, alarms }: StepReport,
  { badSteps, lastGood }: { badSteps: number; lastGood: string },
): void {
  if (badSteps >= config.train.max_bad_steps) {
    throw new NumericError(
      `step ${iteration}: ${badSteps} steps in a row were not finite. The last good checkpoint is ` +
        `${lastGood}. Lower optim.base_lr, lengthen optim.warmup_epochs, or look at the images named in metrics.jsonl.`,
    );
  }
  if (config.train.stop_on_collapse && alarms.length > 0)
    throw new NumericError(
      `${alarms.join(" ")} The run stops here (train.stop_on_collapse); its last checkpoint is ${lastGood}.`,
    );
}
