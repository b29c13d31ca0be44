import { ConfigError } from "../errors.js";
import { BrokenImages } from "./broken-images.js";
import type { ImageSource, RawImage } from "./dataset.js";
import { inParallel } from "./in-parallel.js";
import { type BatchPlan, batchesPerPass, lookAt, type OrderOptions, PassOrders, placesOf } from "./order.js";
import { type BrokenRule, PlaceReader } from "./place-reader.js";

/** Files of one batch that are open at the same time. */
const PARALLEL_READS = 8;

/** How a source is dealt into batches. */
export interface BatchOptions extends OrderOptions {
  readonly batchSize: number;
  /** First iteration to deliver, for a resumed run. Default 0. */
  readonly startIteration?: number;
  /** Passes over the data, counted from iteration 0. Default without end. */
  readonly passes?: number;
  /** Leave out the images behind the last whole batch of a pass. Default true. */
  readonly dropLast?: boolean;
  /** Convert to this number of channels. Default: as the source delivers them. */
  readonly channels?: 1 | 3;
  /** What becomes of a broken image: see `batches`. Default "replace". */
  readonly broken?: BrokenRule;
  /** Batches that are read ahead while the current one is used. Default 2. */
  readonly prefetch?: number;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
}

/** Images that are used together. */
export interface ImageBatch {
  /** Number of the batch since iteration 0 of the run. */
  readonly iteration: number;
  readonly pass: number;
  readonly images: readonly RawImage[];
  /** Index in the source of each image. */
  readonly indices: Int32Array;
  /** Which look of each image this is: names its random draws (`lookAt`). */
  readonly looks: Int32Array;
  /** Label of each image; null if the source has none. */
  readonly labels: Int32Array | null;
}

/** Batches to iterate over. */
export interface BatchStream extends AsyncIterable<ImageBatch> {
  /** Reason by path of every image that could not be read for a batch that was delivered. */
  readonly broken: ReadonlyMap<string, string>;
}

/**
 * Batches of decoded images. What batch number i holds depends on the source, the seed and i only, not on timing or on where a
 * run was interrupted.
 *
 * A broken image is reported once, with the first batch that is delivered without it, through `onWarning`, and counted in `broken`.
 * Then, by the option `broken`:
 * - "replace": its place is taken by the image one batch further on in the same pass's order (which wraps around), or if that is broken
 *   too by the first good one after it. One batch further on, because the neighbour is in the same batch already;
 * - "skip": its place is left out, the batch is smaller (for evaluation, where an image must not count twice);
 * - "throw": the iteration ends with the error.
 *
 * @param source  images
 * @param options  see `BatchOptions`
 * @returns an asynchronous iterable; every iteration over it starts anew at `startIteration`
 * @throws ConfigError, DataError on the call, for a batch size that is not positive or that the images do not fill
 * @throws DataError while iterating, for a broken image with "throw", and if no image at all can be read
 */
export function batches(source: ImageSource, options: BatchOptions): BatchStream {
  const { batchSize, startIteration = 0, passes = Number.POSITIVE_INFINITY, dropLast = true, prefetch = 2 } = options;
  const plan = { length: source.length, batchSize, dropLast };
  const end = passes * batchesPerPass(plan);
  if (!Number.isSafeInteger(startIteration) || startIteration < 0) {
    throw new ConfigError(`batches: the first iteration must be a whole number from 0, got ${startIteration}.`);
  }
  const reader = new BatchReader(source, plan, options);
  const broken = new BrokenImages(source, options.onWarning);
  return {
    broken: broken.reasons,
    async *[Symbol.asyncIterator]() {
      const ahead: Promise<Read>[] = [];
      let next = startIteration;
      let previous: Promise<unknown> = Promise.resolve();
      for (;;) {
        while (ahead.length <= prefetch && next < end) {
          const iteration = next++;
          const batch = previous.then(() => reader.read(iteration)); // one after another: the batch that is waited for comes first
          batch.catch(() => {}); // reported when it is this batch's turn, or never if the caller stops before
          ahead.push(batch);
          previous = batch;
        }
        const read = await ahead.shift();
        if (read === undefined) return;
        for (const index of read.met) broken.add(index, reader.places.reasons.get(index)!);
        if (read.batch.images.length > 0) yield read.batch;
      }
    },
  };
}

/** A batch with what was met on the way to it. */
interface Read {
  readonly batch: ImageBatch;
  /** Broken images in the order of the places at which they were met. */
  readonly met: readonly number[];
}

class BatchReader {
  readonly places: PlaceReader;
  private readonly source: ImageSource;
  private readonly plan: BatchPlan;
  private readonly orders: PassOrders;
  private readonly repeats: number | undefined;

  constructor(source: ImageSource, plan: BatchPlan, options: BatchOptions) {
    this.source = source;
    this.repeats = options.repeats;
    this.plan = plan;
    this.places = new PlaceReader(source, options);
    this.orders = new PassOrders(source.length, options);
  }

  async read(iteration: number): Promise<Read> {
    const { pass, begin, count } = placesOf(iteration, this.plan);
    const order = this.orders.of(pass);
    const reads = await inParallel(count, PARALLEL_READS, (i) => this.places.read(order, begin + i));
    const filled = reads.flatMap((read, i) =>
      read.filled ? [{ ...read.filled, look: lookAt(pass, begin + i, this.repeats) }] : [],
    );
    const indices = Int32Array.from(filled, ({ index }) => index);
    const { labels } = this.source;
    return {
      batch: {
        iteration,
        pass,
        images: filled.map(({ image }) => image),
        indices,
        looks: Int32Array.from(filled, ({ look }) => look),
        labels: labels && Int32Array.from(indices, (index) => labels[index]),
      },
      met: reads.flatMap(({ met }) => met),
    };
  }
}
