import { arch, cpus, platform } from "node:os";
import { resolve } from "node:path";
import type { ImageSource } from "../data/dataset.js";
import { absoluteSpec } from "../data/source-spec.js";
import type { Config } from "../poa/config-keys.js";
import { memory, runtime } from "../runtime/context.js";
import { Profile } from "../runtime/profile.js";
import { type LoopResult, trainLoop } from "../train/loop.js";
import type { RunFolder, RunInfo } from "../train/run-folder.js";
import type { StepReport, Trainer } from "../train/trainer.js";
import { formatDuration, type Output } from "./output.js";
import { profileTable } from "./profile-table.js";
import { reportEstimate } from "./run-estimate.js";
import { version } from "./version.js";

/** Exit code of a run that was interrupted after saving. */
const INTERRUPTED = 130;

/** A terminal and a program that runs this one, such as npm, may both pass on one press of a key. */
const SAME_SIGNAL_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface TrainingOptions {
  /** Leave the closing result to the caller. */
  readonly quietResult?: boolean;
  /** Measure phases and kernels, tell their costs at the end, and leave a trace in the run folder. */
  readonly profile?: boolean;
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
  { quietResult = false, profile = false }: TrainingOptions = {},
): Promise<number> {
  if (!trainer.finished && !output.silent) {
    const estimate = await reportEstimate(trainer.config, trainer.source, trainer.iteration);
    output.event("estimate", estimate.fields);
    output.note(estimate.text);
  }
  const measured = profile && !trainer.finished ? new Profile() : null;
  const stop = new AbortController();
  let stoppedAt = Number.POSITIVE_INFINITY;
  const onSignal = () => {
    if (stop.signal.aborted) {
      if (performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
      folder.unlock();
      process.exit(INTERRUPTED);
    }
    output.note("stopping after this step; once more to stop at once");
    stoppedAt = performance.now();
    stop.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const result = await trainLoop(trainer, folder, {
      model: JSON.stringify(trainer.encoder().spec),
      signal: stop.signal,
      onWarning: (message) => output.warn(message),
      onStep: stepReporter(trainer, output),
    });
    if (measured) folder.saveTrace(measured.chromeTrace());
    if (!quietResult) tellResult(result, trainer, folder, { output, measured });
    if (result.interrupted) output.note(`interrupted; \`poa resume ${folder.path}\` continues`);
    return result.interrupted ? INTERRUPTED : 0;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    measured?.stop();
    trainer.close();
    folder.unlock();
  }
}

/** An event and a progress line per step. */
function stepReporter(trainer: Trainer, output: Output): (report: StepReport) => void {
  const progress = new Progress(trainer);
  return (report) => {
    progress.add(report);
    const { iteration, loss, lr, networks } = report;
    output.event("step", { iteration, loss, lr, networks: networks.map(({ name }) => name) });
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
      ...(costs && { profile: { ...costs, trace: folder.tracePath } }),
    },
    [
      `${folder.path}: ${iterations} steps, ${imagesSeen} images, ${imagesPerSecond.toFixed(1)} images/s`,
      ...(costs
        ? ["", profileTable(costs), "", `trace for chrome://tracing or ui.perfetto.dev: ${folder.tracePath}`]
        : []),
    ].join("\n"),
  );
}

/** Averages over recent steps, for the progress line. */
class Progress {
  private readonly trainer: Trainer;
  private readonly recent: StepReport[] = [];

  constructor(trainer: Trainer) {
    this.trainer = trainer;
  }

  add(report: StepReport): void {
    this.recent.push(report);
    if (this.recent.length > 50) this.recent.shift();
  }

  line({ lr, loss }: StepReport): string {
    const { trainer, recent } = this;
    const sum = (value: (report: StepReport) => number) => recent.reduce((total, report) => total + value(report), 0);
    const elapsedMs = sum(({ elapsedMs }) => elapsedMs);
    const { totalIterations: total } = trainer.plan;
    const eta = ((elapsedMs / recent.length) * (total - trainer.iteration)) / 1000;
    const meanLoss = sum(({ loss }) => loss) / recent.length;
    const mib = Math.round(memory().heapBytes / 2 ** 20);
    return (
      `[${trainer.iteration}/${total}] eta ${formatDuration(eta)}  loss ${loss.toFixed(4)} (${meanLoss.toFixed(4)})  lr ${lr.toExponential(2)}  ` +
      `${(sum(({ images }) => images) / (elapsedMs / 1000)).toFixed(1)} images/s  data wait ${((100 * sum(({ dataWaitMs }) => dataWaitMs)) / elapsedMs).toFixed(0)}%  ${mib} MiB`
    );
  }
}

/** What run.json says about a new run. */
export function runInfo(
  config: Config,
  source: ImageSource,
  { data, init }: { data: string; init: string | null },
): RunInfo {
  return {
    version,
    data: absoluteSpec(data),
    init: init === null ? null : resolve(init),
    dataFingerprint: source.fingerprint(),
    images: source.length,
    seed: config.train.seed,
    host: hostInfo(),
  };
}

function hostInfo(): Record<string, string | number> {
  return {
    platform: platform(),
    arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    node: process.version,
    simd: runtime().simd,
  };
}
