import { getHeapStatistics } from "node:v8";
import { usualWorkers } from "../data/batch-feed.js";
import type { ImageSource, RawImage } from "../data/dataset.js";
import { DataError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";
import { memory, runtime } from "../runtime/context.js";
import { estimateRun, processBytes, type RunEstimate, wayOutOf } from "../train/estimate.js";
import { measureSpeed, secondsPerStep } from "../train/host-speed.js";
import type { ImageSize } from "../train/step-count.js";
import { formatDuration } from "./output.js";

/** Images that are looked at to know how large they are. */
const LOOKED_AT = 4;

/** What a run would need, as fields for machines and lines for people. */
export interface EstimateReport {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/**
 * Counts what a run needs on the live runtime, and times a product to say how long it takes.
 *
 * @param source  null if there are no images yet
 * @param options.images  how many images there are on all ranks; default: as many as the source has
 * @param options.done  iterations that lie behind a resumed run
 * @param options.workers  threads that prepare images; default: as the config says
 * @param options.processes  ranks that train together; the memory is that of each
 */
export async function reportEstimate(
  config: Config,
  source: ImageSource | null,
  {
    images = source?.length ?? null,
    done = 0,
    workers = source ? usualWorkers(source, config.train.num_workers) : 0,
    processes = 1,
  }: { images?: number | null; done?: number; workers?: number; processes?: number } = {},
): Promise<EstimateReport> {
  const { threads, memoryLimitBytes: limitBytes } = runtime();
  const residentBytes = residentNow();
  const image = source ? await typicalSize(source) : undefined;
  const estimate = estimateRun(config, images, { threads, limitBytes, image, processes });
  const speed = measureSpeed();
  const step = secondsPerStep(estimate.work, speed);
  const { iterations, imagesPerStep } = estimate;
  const { stateBytes, activationBytes, linearBytes, hostBytes } = estimate.memory;
  const { networks, backboneParams, headParams, macs, trainingMacs, memoryLimitBytes, fits, wayOut } = estimate;
  const fields = {
    ...{ networks, backboneParams, headParams, macs, trainingMacs, iterations, imagesPerStep },
    ...{ stateBytes, activationBytes, linearMemoryBytes: linearBytes, hostBytes },
    peakRssBytes: Math.max(
      process.resourceUsage().maxRSS * 1024,
      residentBytes +
        processBytes(estimate, config, { images: Math.ceil((images ?? 0) / processes), image, threads, workers }),
    ),
    ...{ memoryLimitBytes, fits, wayOut },
    multiplyAddsPerSecond: Math.round(speed.multiplyAddsPerSecond),
    secondsPerStep: step,
    seconds: iterations === null ? null : step * (iterations - done),
    hoursPerMillionImages: (step * 1e6) / imagesPerStep / 3600,
  };
  return { fields, text: textOf(fields, estimate, config) };
}

/** The width and height that some images of a source have on average; undefined if they cannot be read. */
async function typicalSize(source: ImageSource): Promise<ImageSize | undefined> {
  const count = Math.min(LOOKED_AT, source.length);
  const read: RawImage[] = [];
  for (let i = 0; i < count; i++) {
    try {
      read.push(await source.read(Math.floor((i * source.length) / count)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error; // training reports broken images
    }
  }
  if (read.length === 0) return undefined;
  const mean = (of: (image: RawImage) => number) =>
    Math.round(read.reduce((sum, image) => sum + of(image), 0) / read.length);
  return { width: mean(({ width }) => width), height: mean(({ height }) => height) };
}

/** Resident memory without the engine's heap, whose size during a run is known, and without a run that is made already. */
function residentNow(): number {
  return process.memoryUsage.rss() - getHeapStatistics().total_physical_size - memory().persistentBytes;
}

interface Figures {
  readonly peakRssBytes: number;
  readonly multiplyAddsPerSecond: number;
  readonly secondsPerStep: number;
  readonly seconds: number | null;
  readonly hoursPerMillionImages: number;
}

function textOf(figures: Figures, estimate: RunEstimate, config: Config): string {
  const { networks, backboneParams, headParams, macs, trainingMacs, iterations } = estimate;
  const { stateBytes, activationBytes, linearBytes, hostBytes } = estimate.memory;
  const outside = hostBytes > 0 ? `, moments outside ${bytes(hostBytes)}` : "";
  const { seconds, hoursPerMillionImages: hours, multiplyAddsPerSecond: rate } = figures;
  const whole = seconds === null ? "" : `, ${duration(seconds)} for ${iterations} steps`;
  const lines = [
    `${networks} networks: ${count(backboneParams)} parameters, ${count(headParams)} in heads; multiply-adds per image ` +
      `${count(macs)} forward, ${count(trainingMacs)} in training`,
    `memory: state ${bytes(stateBytes)}, activations ${bytes(activationBytes)}, linear memory ${bytes(linearBytes)} of ` +
      `${bytes(estimate.memoryLimitBytes)}${outside}, process ${bytes(figures.peakRssBytes)}`,
    `time, estimated from ${count(rate)} multiply-adds/s: ${rounded(figures.secondsPerStep)} s per step, ` +
      `${rounded(hours)} h per million images${whole}`,
  ];
  if (!estimate.fits) lines.push(`does not fit. ${wayOutOf(config, estimate.wayOut)}`);
  return lines.join("\n");
}

const bytes = (n: number) => (n < 2 ** 30 ? `${Math.round(n / 2 ** 20)} MiB` : `${(n / 2 ** 30).toFixed(1)} GiB`);

/** Two digits, as an estimate deserves. */
const rounded = (n: number) => `${Number(n.toPrecision(2))}`;

const duration = (seconds: number) =>
  seconds < 100 * 3600 ? formatDuration(seconds) : `${Math.round(seconds / 86_400)} days`;

/** 303240192 → "303 M". */
function count(n: number): string {
  const unit = [
    [1e12, " T"],
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ].find(([size]) => n >= (size as number)) as [number, string] | undefined;
  const [size, name] = unit ?? [1, ""];
  return `${Number((n / size).toPrecision(3))}${name}`;
}
