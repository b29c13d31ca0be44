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

/** How the images of a pass follow one another. */
export interface OrderOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default true; false visits the images in the source's order in every pass. */
  readonly shuffle?: boolean;
  /**
   * Times that an image stands in a pass, side by side, to be augmented anew each time (repeated augmentation: Berman et al., 2019).
   * A pass has as many places whatever their number, so it visits the first images of its order alone, others in each pass.
   * Default 1.
   */
  readonly repeats?: number;
}

/**
 * Which look of its image stands at a place of a pass: names the draws of its augmentation, and occurs once for each image. Without
 * repeats it is the number of the pass.
 */
export function lookAt(pass: number, place: number, repeats = 1): number {
  return pass * repeats + (place % repeats);
}

/** Images at the places of passes, those of the last pass kept. */
export class PassOrders {
  private readonly length: number;
  private readonly options: Required<OrderOptions>;
  private kept: { pass: number; order: Int32Array } | null = null;

  /** @throws ConfigError for repeats that are no whole number from 1 on */
  constructor(length: number, { seed = 0, shuffle = true, repeats = 1 }: OrderOptions = {}) {
    if (!(Number.isSafeInteger(repeats) && repeats >= 1))
      throw new ConfigError(`batches: images are repeated ${repeats} times, expected a whole number from 1 on.`);
    this.length = length;
    this.options = { seed, shuffle, repeats };
  }

  of(pass: number): Int32Array {
    if (this.kept?.pass !== pass) {
      const { length } = this;
      const { seed, shuffle, repeats } = this.options;
      const order = shuffle ? passOrder(length, seed, pass) : Int32Array.from({ length }, (_, i) => i);
      this.kept = { pass, order: repeats === 1 ? order : order.map((_, place) => order[Math.floor(place / repeats)]) };
    }
    return this.kept.order;
  }
}
