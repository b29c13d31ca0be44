import { arch, cpus, platform } from "node:os";
import { resolve } from "node:path";
import type { ImageSource } from "../data/dataset.js";
import { absoluteSpec } from "../data/source-spec.js";
import type { Config } from "../poa/config-keys.js";
import { runtime } from "../runtime/context.js";
import { Profile } from "../runtime/profile.js";
import type { EvaluateTeacher } from "../train/evaluation.js";
import { type LoopResult, trainLoop } from "../train/loop.js";
import type { RunFolder, RunInfo } from "../train/run-folder.js";
import type { StepReport, Trainer } from "../train/trainer.js";
import { processorName } from "./host.js";
import { INTERRUPTED, interruptible, SIGNALS_OF_RANKS } from "./interrupt.js";
import type { Output } from "./output.js";
import { profileTable, rankShares } from "./profile-table.js";
import { reportEstimate } from "./run-estimate.js";
import { dataWaitShare, StepProgress } from "./step-progress.js";
import { evaluationLine } from "./training-evaluation.js";
import { version } from "./version.js";

export interface TrainingOptions {
  /** Leave the closing result to the caller. */
  readonly quietResult?: boolean;
  /** Measure phases and kernels, tell their costs at the end, and leave a trace in the run folder. */
  readonly profile?: boolean;
  /** Evaluates the teacher from time to time (training-evaluation.ts). */
  readonly evaluate?: EvaluateTeacher;
}

/**
 * Trains with progress on stderr. The first SIGINT or SIGTERM finishes the step and saves; the second ends at once.
 *
 * @returns the exit code
 */
export async function runTraining(
  trainer: Trainer,
  folder: RunFolder,
  output: Output,
  { quietResult = false, profile = false, evaluate }: TrainingOptions = {},
): Promise<number> {
  if (!trainer.finished && !output.silent) {
    const { config, source, imageCount: images, iteration: done, workers, ranks } = trainer;
    const estimate = await reportEstimate(config, source, { images, done, workers, processes: ranks.size });
    output.event("estimate", estimate.fields);
    output.note(estimate.text);
  }
  const measured = profile && !trainer.finished ? new Profile() : null;
  try {
    const result = await interruptible(
      output,
      () => folder.unlock(),
      (signal) =>
        trainLoop(trainer, folder, {
          model: JSON.stringify(trainer.encoder().spec),
          signal,
          onWarning: (message) => output.warn(message),
          onStep: stepReporter(trainer, output),
          evaluate,
          onEvaluation: (evaluation) => {
            output.event("evaluation", { ...evaluation });
            output.note(evaluationLine(evaluation));
          },
        }),
      trainer.ranks.size > 1 ? { signals: SIGNALS_OF_RANKS } : {},
    );
    if (measured) folder.saveTrace(measured.chromeTrace());
    if (!quietResult) tellResult(result, trainer, folder, { output, measured });
    if (result.interrupted) output.note(`interrupted; \`poa resume ${folder.path}\` continues`);
    return result.interrupted ? INTERRUPTED : 0;
  } finally {
    measured?.stop();
    trainer.close();
    if (trainer.finished) folder.dropCache();
    folder.unlock();
  }
}

/** An event and a progress line per step. */
function stepReporter(trainer: Trainer, output: Output): (report: StepReport) => void {
  const progress = new StepProgress(trainer.plan.totalIterations);
  return (report) => {
    progress.add(report);
    const { iteration, loss, lr, networks } = report;
    const names = networks.map(({ name }) => name);
    output.event("step", { iteration, loss, lr, networks: names, dataWaitShare: dataWaitShare([report]) });
    output.progress(() => progress.line(report), { final: trainer.finished });
  };
}

function tellResult(
  { interrupted: _, ...figures }: LoopResult,
  trainer: Trainer,
  folder: RunFolder,
  { output, measured }: { output: Output; measured: Profile | null },
): void {
  const { iterations, imagesSeen, imagesPerSecond } = figures;
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const costs = measured?.costs();
  output.result(
    {
      ...{ out: folder.path, ...figures, peakRssBytes, broken: trainer.broken.size },
      ...(costs && { profile: { ...costs, ...rankShares(costs), trace: folder.tracePath } }),
    },
    [
      `${folder.path}: ${iterations} steps, ${imagesSeen} images, ${imagesPerSecond.toFixed(1)} images/s`,
      ...(costs
        ? ["", profileTable(costs), "", `trace for chrome://tracing or ui.perfetto.dev: ${folder.tracePath}`]
        : []),
    ].join("\n"),
  );
}

/** What run.json says about a new run. @param source  the images of all ranks */
export function runInfo(
  { config, ranks }: Trainer,
  source: ImageSource,
  { data, init, deterministic }: { data: string; init: string | null; deterministic?: boolean },
): RunInfo {
  return {
    version,
    data: absoluteSpec(data),
    init: init === null ? null : resolve(init),
    dataFingerprint: source.fingerprint(),
    images: source.length,
    seed: config.train.seed,
    ...(ranks.size > 1 && { ranks: ranks.size, deterministic }),
    host: hostInfo(),
  };
}

/** A config that means the same in any working folder. */
export function portableConfig(config: Config): Config {
  const { evaluation, train } = config;
  return {
    ...config,
    evaluation: { ...evaluation, knn: evaluation.knn === null ? null : absoluteSpec(evaluation.knn) },
    train: { ...train, cache_dir: train.cache_dir === null ? null : resolve(train.cache_dir) },
  };
}

/** What a run says about its host. */
export function hostInfo(): Record<string, string | number> {
  return {
    platform: platform(),
    arch: arch(),
    cpu: processorName(),
    cores: cpus().length,
    node: process.version,
    simd: runtime().simd,
  };
}
