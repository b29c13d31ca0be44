import { eventTurns } from "./event-turn.js";
import type { FinetuneFolder } from "./finetune-folder.js";
import { FinetuneHealth } from "./finetune-health.js";
import type { FineTuner, FinetuneReport } from "./finetuner.js";

export interface FinetuneLoopOptions {
  /** Figures of the network at the end of an epoch, for the metrics; null to have none. */
  readonly validate: (() => Promise<Readonly<Record<string, number>>>) | null;
  /** Finishes the step, saves, and returns early. */
  readonly signal?: AbortSignal;
  /** Epochs end with a checkpoint if the one before is older than this. Default 30; the last one always does. */
  readonly checkpointSeconds?: number;
  readonly onStep?: (report: FinetuneReport) => void;
  /** Told the number of epochs done. */
  readonly onEpoch?: (epochs: number, figures: Readonly<Record<string, number>>) => void;
  readonly onWarning?: (message: string) => void;
}

export interface FinetuneLoopResult {
  /** Iterations done since the start of the run. */
  readonly iterations: number;
  /** Of this call, validation included. */
  readonly imagesPerSecond: number;
  /** Of the last step; null if none was done. */
  readonly loss: number | null;
  readonly interrupted: boolean;
}

/**
 * Fine-tunes to the end of the plan: a line of metrics per step and per epoch, checkpoints at step 0 and at ends of epochs.
 *
 * @throws NumericError after too many steps in a row whose loss or gradient was not finite
 * @throws ResourceError if the disk is full
 */
export async function finetuneLoop(
  tuner: FineTuner,
  folder: FinetuneFolder,
  options: FinetuneLoopOptions,
): Promise<FinetuneLoopResult> {
  const { signal, onStep, onEpoch, onWarning, validate, checkpointSeconds = 30 } = options;
  const start = performance.now();
  const nextTurn = eventTurns();
  const totals = { images: 0, loss: null as number | null };
  const health = new FinetuneHealth(onWarning);
  let [savedAt, savedStep] = [
    performance.now(),
    folder.checkpoints.steps().includes(tuner.iteration) ? tuner.iteration : -1,
  ];
  const save = () => {
    folder.save(tuner);
    [savedAt, savedStep] = [performance.now(), tuner.iteration];
  };

  if (savedStep < 0) save();
  while (!tuner.finished) {
    await nextTurn();
    if (signal?.aborted) break;
    const report = await tuner.step();
    totals.images += report.images;
    totals.loss = report.loss;
    folder.metrics.append(metricsOf(report));
    onStep?.(report);
    health.add(report);
    if (!tuner.atEpochEnd) continue;
    const figures = validate ? await validate() : {};
    const epochs = tuner.iteration / tuner.plan.iterationsPerEpoch;
    // Before the checkpoint: what is done again after a kill is then measured again.
    if (validate) folder.metrics.append({ iteration: report.iteration, epochs, ...figures });
    onEpoch?.(epochs, figures);
    if (health.badSteps === 0 && (performance.now() - savedAt) / 1000 >= checkpointSeconds) save();
  }
  if (savedStep !== tuner.iteration) save();
  return {
    iterations: tuner.iteration,
    imagesPerSecond: (1000 * totals.images) / (performance.now() - start),
    loss: totals.loss,
    interrupted: !tuner.finished,
  };
}

function metricsOf({ iteration, epoch, lr, loss, gradientNorm, updated }: FinetuneReport): Record<string, unknown> {
  return { iteration, epoch, lr, loss, grad_norm: gradientNorm, ...(updated ? {} : { skipped: true }) };
}
