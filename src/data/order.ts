import { ConfigError, DataError } from "../errors.js";
import { Rng } from "../tensor/random.js";

/** First path element of the streams of data order, so that no other use of the seed shares them. */
const ORDER_STREAM = 0x6f726472; // "ordr"

/**
 * The order in which pass number `pass` visits the images: a uniform permutation that depends on (length, seed, pass) only, so that a
 * resumed run needs no saved state. (A pass over the data is not the recipe's epoch, which is a number of steps.)
 *
 * @returns [length], a permutation of 0 ... length - 1
 */
export function passOrder(length: number, seed: number, pass: number): Int32Array {
  return new Rng(seed, ORDER_STREAM, pass).permutation(length);
}

/** Where a global iteration stands in the data. */
export interface Position {
  readonly pass: number;
  /** Number of the batch within its pass. */
  readonly batch: number;
}

export interface BatchPlan {
  readonly length: number;
  readonly batchSize: number;
  /** Leave out the images behind the last whole batch of a pass; other images in each pass, as the order differs. */
  readonly dropLast: boolean;
}

/**
 * Batches in one pass: floor(length / batchSize) with `dropLast`, else ceil.
 *
 * @throws ConfigError unless batchSize is a whole number >= 1
 * @throws DataError if that is no batch at all
 */
export function batchesPerPass({ length, batchSize, dropLast }: BatchPlan): number {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batches: the batch size must be a whole number of at least 1, got ${batchSize}.`);
  }
  const count = dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  if (count === 0) {
    throw new DataError(
      `batches: ${length} images do not fill a batch of ${batchSize}. Lower the batch size or give more images.`,
    );
  }
  return count;
}

/** Pass and batch of the iteration that is `iteration` batches after the start, from 0. */
export function positionOf(iteration: number, plan: BatchPlan): Position {
  const count = batchesPerPass(plan);
  return { pass: Math.floor(iteration / count), batch: iteration % count };
}

/** Where the places of a batch lie in the order of its pass. */
export interface Places {
  readonly pass: number;
  readonly begin: number;
  readonly count: number;
}

/** The places of the batch `iteration`, counted from 0. */
export function placesOf(iteration: number, plan: BatchPlan): Places {
  const { pass, batch } = positionOf(iteration, plan);
  const begin = batch * plan.batchSize;
  return { pass, begin, count: Math.min(plan.batchSize, plan.length - begin) };
}

/** Orders of passes, the last one kept. */
export class PassOrders {
  private readonly length: number;
  private readonly seed: number;
  private readonly shuffle: boolean;
  private kept: { pass: number; order: Int32Array } | null = null;

  /** @param options.shuffle  default true; false visits the images in the source's order in every pass */
  constructor(length: number, { seed = 0, shuffle = true }: { seed?: number; shuffle?: boolean } = {}) {
    this.length = length;
    this.seed = seed;
    this.shuffle = shuffle;
  }

  of(pass: number): Int32Array {
    if (this.kept?.pass !== pass) {
      const { length, seed, shuffle } = this;
      this.kept = { pass, order: shuffle ? passOrder(length, seed, pass) : Int32Array.from({ length }, (_, i) => i) };
    }
    return this.kept.order;
  }
}
