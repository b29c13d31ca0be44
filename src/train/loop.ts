import { NumericError } from "../errors.js";
import { BestCheckpoints } from "./best-checkpoints.js";
import { type EvaluateTeacher, type Evaluation, Evaluations } from "./evaluation.js";
import { eventTurns } from "./event-turn.js";
import { heapBound } from "./heap-bound.js";
import type { RunFolder } from "./run-folder.js";
import { RunLog } from "./run-log.js";
import type { StepReport, Trainer } from "./trainer.js";
import { COMPARE_EVERY, Lead } from "./turns.js";

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
  /** Steps of this call that were left out because a loss or gradient was not finite. */
  readonly skippedSteps: number;
  readonly interrupted: boolean;
}

/**
 * Trains to the end of the plan: a line of metrics per step, checkpoints at step 0, at intervals and at the end, evaluations
 * likewise if there is something to evaluate with. With several ranks it runs on rank 0, and `follow` on the others.
 *
 * @throws NumericError after too many steps in a row whose loss or gradient was not finite, or if a weight is not; if the run
 *   has collapsed and is to stop then; and if the weights of ranks differ
 * @throws ResourceError if the disk is full
 */
export async function trainLoop(trainer: Trainer, folder: RunFolder, options: LoopOptions): Promise<LoopResult> {
  const { signal, onStep, evaluate, onWarning = () => {} } = options;
  const { train } = trainer.config;
  const start = performance.now();
  const totals = { images: 0, waitMs: 0, loss: null as number | null, skipped: 0 };
  let savedAt = performance.now();
  let savedStep = folder.checkpoints.steps().includes(trainer.iteration) ? trainer.iteration : -1;
  let badSteps = 0;
  const nextTurn = eventTurns();
  const boundHeap = heapBound();
  const log = new RunLog(folder, train);
  const best = new BestCheckpoints(folder, trainer);
  const lead = new Lead(trainer);
  const evaluations = evaluate ? new Evaluations(trainer, folder, { ...options, evaluate, onWarning }) : null;
  const lastGood = () => (savedStep < 0 ? null : folder.checkpoints.folderOf(savedStep));
  const save = (value: number | null = null) => {
    lead.compare(lastGood());
    folder.checkpoints.save(trainer.state(), options.model);
    best.consider(trainer.iteration, value);
    folder.checkpoints.prune(train.keep_last, best.steps);
    savedAt = performance.now();
    savedStep = trainer.iteration;
  };

  if (savedStep < 0) save();
  await evaluations?.atStart();
  const before = folder.lastEvaluation();
  if (before?.iteration === trainer.iteration) best.consider(trainer.iteration, best.ofEvaluation(before));
  log.endStretch();
  while (!trainer.finished) {
    await nextTurn();
    if (signal?.aborted || lead.stopWanted) break;
    const evaluationDue = evaluations?.due ?? false;
    lead.step();
    const report = await trainer.step({ observe: evaluationDue });
    boundHeap();
    totals.images += report.images;
    totals.waitMs += report.dataWaitMs;
    totals.loss = report.loss;
    log.step(report);
    best.see(report);
    onStep?.(report);
    badSteps = report.updated ? 0 : badSteps + 1;
    if (badSteps > 0) {
      totals.skipped++;
      const file = folder.badSteps.save(report);
      if (badSteps === 1) onWarning(skipMessage(report, file));
    }
    if (trainer.iteration % COMPARE_EVERY === 0) lead.compare(lastGood());
    expectSound(trainer, report, { badSteps, folder, savedStep });
    let judged: number | null = null;
    if (evaluationDue && evaluations) {
      log.endStretch();
      judged = best.ofEvaluation(await evaluations.evaluate(report));
      log.endStretch(); // an evaluation is no training
    }
    const minutes = (performance.now() - savedAt) / 60_000;
    const due =
      trainer.iteration % trainer.plan.checkpointEvery === 0 ||
      minutes >= (train.checkpoint_every_minutes ?? Number.POSITIVE_INFINITY);
    if ((due || best.wants(trainer.iteration, judged)) && badSteps === 0) save(judged ?? best.ofLoss());
  }
  if (savedStep !== trainer.iteration) save(trainer.finished ? best.ofLoss() : null);
  lead.end({ interrupted: !trainer.finished });
  log.endStretch();
  const seconds = (performance.now() - start - (evaluations?.elapsedMs ?? 0)) / 1000;
  return {
    iterations: trainer.iteration,
    imagesSeen: trainer.iteration * trainer.plan.imagesPerStep,
    imagesPerSecond: totals.images / seconds,
    dataWaitShare: totals.waitMs / 1000 / seconds,
    loss: totals.loss,
    skippedSteps: totals.skipped,
    interrupted: !trainer.finished,
  };
}

/** What is said of the first of some steps that are not finite. */
function skipMessage({ iteration, nonFinite, culprits }: StepReport, file: string | null): string {
  const [first] = nonFinite;
  const told = [
    `step ${iteration}: the loss or a gradient is not finite; the step is skipped.`,
    ...(first ? [`First ${first.name}: ${first.nan + first.infinite} of its numbers.`] : []),
    ...(file ? [`${file} names its ${culprits.length} images.`] : []),
  ];
  return told.join(" ");
}

/** @throws NumericError if the run is to end here */
function expectSound(
  { config }: Trainer,
  { iteration, alarms }: StepReport,
  { badSteps, folder, savedStep }: { badSteps: number; folder: RunFolder; savedStep: number },
): void {
  const lastGood = folder.checkpoints.folderOf(savedStep);
  if (badSteps >= config.train.max_bad_steps) {
    throw new NumericError(
      `step ${iteration}: ${badSteps} steps in a row were not finite. The last good checkpoint is ${lastGood}. ` +
        `Lower optim.base_lr, lengthen optim.warmup_epochs, or look at the images named in ${folder.badSteps.path}.`,
    );
  }
  if (config.train.stop_on_collapse && alarms.length > 0)
    throw new NumericError(
      `${alarms.join(" ")} The run stops here (train.stop_on_collapse); its last checkpoint is ${lastGood}.`,
    );
}
