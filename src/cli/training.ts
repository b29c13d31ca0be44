import { arch, cpus, platform } from "node:os";
import type { ImageSource, Split } from "../data/dataset.js";
import { openSource } from "../data/source-spec.js";
import { specOf } from "../models/encoder.js";
import type { VisionTransformer } from "../models/vit.js";
import type { Config } from "../poa/config-keys.js";
import { memory } from "../runtime/context.js";
import { trainLoop } from "../train/loop.js";
import type { RunFolder, RunInfo } from "../train/run-folder.js";
import type { StepReport, Trainer } from "../train/trainer.js";
import { formatDuration, type Output } from "./output.js";
import { version } from "./version.js";

/** Exit code of a run that was interrupted after saving. */
const INTERRUPTED = 130;

/**
 * Trains with progress on stderr. The first SIGINT or SIGTERM finishes the step and saves; the second ends at once.
 *
 * @param options.quietResult  leave the closing result to the caller
 * @returns the exit code
 */
export async function runTraining(
  trainer: Trainer,
  folder: RunFolder,
  output: Output,
  { quietResult = false } = {},
): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) {
      folder.unlock();
      process.exit(INTERRUPTED);
    }
    output.note("stopping after this step; once more to stop at once");
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const progress = new Progress(trainer);
  try {
    const backbone = trainer.model.teacher.backbone as VisionTransformer;
    const result = await trainLoop(trainer, folder, {
      model: JSON.stringify(specOf(backbone, trainer.config.crops)),
      signal: stop.signal,
      onWarning: (message) => output.warn(message),
      onStep: (report) => {
        progress.add(report);
        output.event("step", {
          iteration: report.iteration,
          loss: report.loss,
          lr: report.lr,
          networks: report.networks.map(({ name }) => name),
        });
        output.progress(() => progress.line(report), { final: trainer.finished });
      },
    });
    const { interrupted, ...figures } = result;
    const fields = {
      out: folder.path,
      ...figures,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      broken: trainer.broken.size,
    };
    if (!quietResult)
      output.result(
        fields,
        `${folder.path}: ${result.iterations} steps, ${result.imagesSeen} images, ${result.imagesPerSecond.toFixed(1)} images/s`,
      );
    if (interrupted) output.note(`interrupted; \`poa resume ${folder.path}\` continues`);
    return interrupted ? INTERRUPTED : 0;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    folder.unlock();
  }
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
    data,
    workingFolder: process.cwd(),
    init,
    dataFingerprint: source.fingerprint(),
    images: source.length,
    seed: config.train.seed,
    host: hostInfo(),
  };
}

/** Opens the images of a run: `data` in place of what it began with, relative paths from where it began. */
export function openRunData(info: RunInfo, data = info.data, split?: Split): Promise<ImageSource> {
  return openSource(data, { split, dataFolder: process.env.POA_DATA ?? info.workingFolder });
}

function hostInfo(): Record<string, string | number> {
  return {
    platform: platform(),
    arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    node: process.version,
  };
}
