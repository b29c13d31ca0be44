import { scope, step } from "../autograd/tape.js";
import type { Encoder } from "../models/encoder.js";
import { persistent } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { eventTurns } from "../train/event-turn.js";
import { quantile } from "./bootstrap.js";

/** Keeps the images that are timed apart from other uses of a seed: "time" in ASCII. */
const STREAM = 0x74696d65;

/** A network runs untimed for so long before it is timed, at least once. */
const WARM_UP_MS = 50;
/** A network that is slower has nothing in the caches to lose between rounds. */
const WARMED_MS = 50;
const ROUNDS = 5;
const RUNS = { least: 5, most: 200 } as const;

/** How long a forward pass takes. */
export interface Latency {
  /** Median over the timed runs. */
  readonly ms: number;
  /** 95th percentile. */
  readonly msP95: number;
  /** Number of timed runs. */
  readonly runs: number;
}

/** What is timed, and for how long. */
export interface LatencyOptions {
  /** Images per forward pass. Default 1. */
  readonly batch?: number;
  /** Time to spend on the timed runs of each network, where the bounds on their number allow it. Default 500. */
  readonly budgetMs?: number;
  /** Told how many of all timed runs are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Times the class feature of encoders, once warm, on the live runtime: all that happens between normalised images and their
 * features. The networks take turns in several rounds, so that a spell in which the machine is slow meets all of them.
 *
 * @returns per encoder; times are of a whole batch
 */
export async function measureLatency(
  encoders: readonly Encoder[],
  { batch = 1, budgetMs = 500, onProgress }: LatencyOptions = {},
): Promise<Latency[]> {
  const nextTurn = eventTurns();
  const images = new Map<string, Tensor>();
  try {
    const timed = encoders.map((encoder) => new TimedEncoder(encoder, imagesFor(encoder, batch, images)));
    for (const encoder of timed) {
      encoder.warmUp(budgetMs);
      await nextTurn();
    }
    const total = timed.reduce((sum, { wanted }) => sum + wanted, 0);
    let done = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      for (const encoder of timed) {
        done += encoder.run(round);
        onProgress?.(done, total);
        await nextTurn();
      }
    }
    return timed.map((encoder) => encoder.latency());
  } finally {
    for (const slot of images.values()) slot.dispose();
  }
}

/** Noise in the form that an encoder takes, made once for all that take it. */
function imagesFor({ spec }: Encoder, batch: number, made: Map<string, Tensor>): Tensor {
  const shape = [batch, spec.channels, spec.imageSize, spec.imageSize];
  const known = made.get(String(shape));
  if (known) return known;
  const images = persistent(shape);
  made.set(String(shape), images);
  const rng = new Rng(0, STREAM);
  images.write(Float32Array.from({ length: images.numel }, () => rng.normal()));
  return images;
}

/** An encoder with images to run on and the times of its runs. */
class TimedEncoder {
  /** Number of runs that are to be timed. */
  wanted: number = RUNS.least;
  private readonly encoder: Encoder;
  private readonly images: Tensor;
  private readonly elapsedMs: number[] = [];

  /** @param images  normalised, as the encoder takes them */
  constructor(encoder: Encoder, images: Tensor) {
    this.encoder = encoder;
    this.images = images;
  }

  /** Runs the encoder until it is warm, and plans as many runs as the budget allows. */
  warmUp(budgetMs: number): void {
    let last = 0;
    for (let spent = 0; spent < WARM_UP_MS; spent += last) last = this.timeOne();
    this.wanted = Math.min(RUNS.most, Math.max(RUNS.least, Math.floor(budgetMs / last)));
  }

  /** The runs of one round. @returns their number */
  run(round: number): number {
    const before = this.elapsedMs.length;
    const until = Math.round((this.wanted * round) / ROUNDS);
    if (until > before && (this.elapsedMs.at(-1) ?? 0) < WARMED_MS) this.timeOne();
    while (this.elapsedMs.length < until) this.elapsedMs.push(this.timeOne());
    return until - before;
  }

  latency(): Latency {
    const sorted = Float64Array.from(this.elapsedMs).sort();
    return { ms: quantile(sorted, 0.5), msP95: quantile(sorted, 0.95), runs: sorted.length };
  }

  private timeOne(): number {
    const begin = performance.now();
    step(() => {
      scope(() => this.encoder.backbone.classToken(this.images));
    });
    return performance.now() - begin;
  }
}
