import { ConfigError, DataError } from "../errors.js";
import { toChannels } from "./channels.js";
import type { ImageSource, RawImage } from "./dataset.js";
import { type BatchPlan, batchesPerPass, passOrder, positionOf } from "./order.js";

/** Files of one batch that are open at the same time. */
const PARALLEL_READS = 8;

/** How a source is dealt into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Seed of the order. Default 0. */
  readonly seed?: number;
  /** First iteration to deliver, for a resumed run. Default 0. */
  readonly startIteration?: number;
  /** Passes over the data, counted from iteration 0. Default without end. */
  readonly passes?: number;
  /** Default true; false visits the images in the source's order in every pass. */
  readonly shuffle?: boolean;
  /** Leave out the images behind the last whole batch of a pass. Default true. */
  readonly dropLast?: boolean;
  /** Convert to this number of channels. Default: as the source delivers them. */
  readonly channels?: 1 | 3;
  /** What becomes of a broken image: see `batches`. Default "replace". */
  readonly broken?: "replace" | "skip" | "throw";
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
  /** Label of each image; null if the source has none. */
  readonly labels: Int32Array | null;
}

/** Batches to iterate over. */
export interface BatchStream extends AsyncIterable<ImageBatch> {
  /** Reason by path of every image that could not be read so far. */
  readonly broken: ReadonlyMap<string, string>;
}

interface Slot {
  readonly index: number;
  readonly image: RawImage;
}

/**
 * Batches of decoded images. What batch number i holds depends on the source, the seed and i only, not on timing or on where a
 * run was interrupted.
 *
 * A broken image is reported once through `onWarning`, counted in `broken`, and then, by the option of this name,
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
  return {
    broken: reader.broken,
    async *[Symbol.asyncIterator]() {
      const ahead: Promise<ImageBatch>[] = [];
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
        const batch = await ahead.shift();
        if (batch === undefined) return;
        if (batch.images.length > 0) yield batch;
      }
    },
  };
}

class BatchReader {
  /** By path, for the user. */
  readonly broken = new Map<string, string>();
  /** By index, so that a known one is not read again. */
  private readonly brokenIndices = new Set<number>();
  private readonly source: ImageSource;
  private readonly plan: BatchPlan;
  private readonly options: BatchOptions;
  private order: { pass: number; indices: Int32Array } | null = null;

  constructor(source: ImageSource, plan: BatchPlan, options: BatchOptions) {
    this.source = source;
    this.plan = plan;
    this.options = options;
  }

  async read(iteration: number): Promise<ImageBatch> {
    const { batchSize, length } = this.plan;
    const { pass, batch } = positionOf(iteration, this.plan);
    const order = this.orderOf(pass);
    const begin = batch * batchSize;
    const count = Math.min(batchSize, length - begin);
    const slots: (Slot | null)[] = new Array(count).fill(null);
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let slot = next++; slot < count; slot = next++) slots[slot] = await this.fill(order, begin + slot);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, count) }, worker));
    const filled = slots.filter((slot) => slot !== null);
    const indices = Int32Array.from(filled, ({ index }) => index);
    const { labels } = this.source;
    return {
      iteration,
      pass,
      images: filled.map(({ image }) => image),
      indices,
      labels: labels && Int32Array.from(indices, (index) => labels[index]),
    };
  }

  private orderOf(pass: number): Int32Array {
    if (this.order?.pass !== pass) {
      const { seed = 0, shuffle = true } = this.options;
      const { length } = this.plan;
      this.order = {
        pass,
        indices: shuffle ? passOrder(length, seed, pass) : Int32Array.from({ length }, (_, i) => i),
      };
    }
    return this.order.indices;
  }

  /** The image for one place of the pass, or null if it is broken and to be skipped. */
  private async fill(order: Int32Array, place: number): Promise<Slot | null> {
    const slot = await this.tryRead(order[place]);
    if (slot === null && (this.options.broken ?? "replace") === "replace") return this.replacement(order, place);
    return slot;
  }

  private async replacement(order: Int32Array, place: number): Promise<Slot> {
    for (let step = 0; step < order.length; step++) {
      const slot = await this.tryRead(order[(place + this.plan.batchSize + step) % order.length]);
      if (slot !== null) return slot;
    }
    throw this.nothingReadable();
  }

  private async tryRead(index: number): Promise<Slot | null> {
    if (this.brokenIndices.has(index)) return null;
    try {
      const read = this.source.read(index);
      const image = read instanceof Promise ? await read : read;
      const { channels } = this.options;
      return { index, image: channels === undefined ? image : toChannels(image, channels) };
    } catch (error) {
      if (!(error instanceof DataError) || this.options.broken === "throw") throw error;
      this.report(index, error);
      return null;
    }
  }

  private report(index: number, error: DataError): void {
    if (this.brokenIndices.has(index)) return; // two places asked for it at once
    this.brokenIndices.add(index);
    this.broken.set(this.source.path(index), error.message);
    if (this.brokenIndices.size === this.source.length) throw this.nothingReadable();
    this.options.onWarning?.(`${error.message} Left out.`);
  }

  private nothingReadable(): DataError {
    const [reason] = this.broken.values();
    return new DataError(
      `batches: none of the ${this.source.length} images of ${this.source.name} can be read. The first: ${reason}`,
    );
  }
}
