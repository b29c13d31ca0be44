import { ResourceError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { type HostWorker, startModuleWorker } from "../runtime/host-worker.js";
import type { Tensor } from "../tensor/tensor.js";
import { BrokenImages } from "./broken-images.js";
import {
  type BatchShare,
  type BatchTask,
  type CrewAnswer,
  type CrewFind,
  type CrewStart,
  outlineOf,
  received,
} from "./crew-messages.js";
import type { ImageSource } from "./dataset.js";
import { placesOf } from "./order.js";
import type { DecodedImage } from "./packed-source.js";
import type { InputRecipe } from "./sample-inputs.js";
import type { SourceRecipe } from "./source-recipe.js";

/** Beside this file, where a bundler of browsers' programs does not look for it. */
const PROGRAM = "./crew-program.js";

export interface CrewOptions {
  readonly workers: number;
  readonly recipe: SourceRecipe;
  readonly inputs: InputRecipe;
  /** The tensors that a step reads for one batch, dense f32 (sample-inputs.ts says how rows lie). */
  readonly targets: readonly Tensor[];
  readonly batchSize: number;
  readonly seed: number;
  /** Times that an image stands in a pass; see `OrderOptions`. Default 1. */
  readonly repeats?: number;
  readonly channels: 1 | 3;
  readonly strict: boolean;
  /** First batch to deliver. */
  readonly from: number;
  /** Batches that are delivered before the first of them is copied. */
  readonly held: number;
  readonly onWarning?: (message: string) => void;
  /** Told about images that are not packed where the recipe says, and are wanted there. */
  readonly onDecoded?: (decoded: DecodedImage) => void;
  /** Starts a worker on a module; the host's own by default. */
  readonly start?: (url: string) => HostWorker;
}

/** A batch whose inputs have been made. */
export interface PreparedBatch {
  readonly iteration: number;
  readonly pass: number;
  /** Index in the source of each image. */
  readonly indices: Int32Array;
  /** Label of each image; null if the source has none. */
  readonly labels: Int32Array | null;
  /** Copies the inputs to where a step reads them, once: their slot is then filled anew. */
  copyInputs(): void;
}

/** A batch that is being prepared. */
interface Pending {
  readonly shares: BatchShare[];
  readonly done: Promise<readonly BatchShare[]>;
  readonly finish: (shares: readonly BatchShare[]) => void;
}

/**
 * Workers that read, decode and augment the images of batches into slots that they share with the calling thread. Each batch is
 * divided among all of them, and one batch more is prepared than is held. What a batch holds does not depend on their number.
 */
export class BatchCrew {
  private readonly source: ImageSource;
  private readonly options: CrewOptions;
  private readonly images: BrokenImages;
  private readonly slots: readonly SharedArrayBuffer[];
  private readonly workers: HostWorker[] = [];
  private readonly pending = new Map<number, Pending>();
  private asked: number;
  private taken: number;
  private copied: number;
  private failure: Error | null = null;
  private onFailure: ((error: Error) => void) | null = null;

  private constructor(source: ImageSource, options: CrewOptions) {
    this.source = source;
    this.options = options;
    this.images = new BrokenImages(source, options.onWarning);
    const bytes = 4 * options.targets.reduce((sum, { numel }) => sum + numel, 0);
    this.slots = Array.from({ length: options.held + 1 }, () => new SharedArrayBuffer(bytes));
    this.asked = this.taken = this.copied = options.from;
  }

  /**
   * @throws ResourceError if the host does not start them; DataError if they find other images than the calling thread
   */
  static async start(source: ImageSource, options: CrewOptions): Promise<BatchCrew> {
    const crew = new BatchCrew(source, options);
    const url = new URL(PROGRAM, import.meta.url).href;
    const outline = outlineOf(source);
    const { start = startModuleWorker, recipe, inputs, channels, strict, workers: count } = options;
    const { batchSize, seed, repeats = 1 } = options;
    const common = {
      source: recipe,
      outline,
      inputs,
      order: { batchSize, seed, repeats },
      channels,
      strict,
      workers: count,
    };
    try {
      for (let i = 0; i < count; i++) crew.workers.push(start(url));
      const { simd } = runtime();
      await Promise.all(
        crew.workers.map((worker, i) => crew.prepare(worker, { ...common, worker: i, simd, slots: crew.slots })),
      );
    } catch (error) {
      crew.close();
      throw error;
    }
    crew.ask();
    return crew;
  }

  /** Reasons by path of the images that could not be read for a batch that was delivered. */
  get broken(): ReadonlyMap<string, string> {
    return this.images.reasons;
  }

  /**
   * The next batch.
   *
   * @throws ResourceError if a worker has ended; DataError for a broken image if that is to end the run, or if none can be read;
   *   whatever a worker has thrown
   */
  async next(): Promise<PreparedBatch> {
    const iteration = this.taken++;
    const shares = await this.whole(iteration);
    this.pending.delete(iteration);
    const failures = shares.map(({ failure }) => failure).filter((failure) => failure !== null);
    if (failures.length > 0) throw received(failures.reduce((a, b) => (b.position < a.position ? b : a)).error);
    const met = shares.flatMap((share) => share.met).sort((a, b) => a.position - b.position);
    for (const { index, reason } of met) this.images.add(index, reason);
    return this.batch(iteration, shares);
  }

  /** Ends all workers. */
  close(): void {
    for (const worker of this.workers) worker.terminate();
    this.fail(new ResourceError("data: the reading of images has been ended."));
  }

  private async prepare(worker: HostWorker, start: CrewStart): Promise<void> {
    worker.onEnd = (reason) => {
      const wayOut = "Try again, or prepare images on the calling thread (--workers 0, train.num_workers=0).";
      this.fail(new ResourceError(`data: a worker that prepares images ended (${reason}). ${wayOut}`));
    };
    worker.onMessage = (message) => {
      const told = message as BatchShare | CrewFind;
      if ("decoded" in told) this.options.onDecoded?.(told.decoded);
      else this.receive(told);
    };
    worker.post(start);
    const answer = await worker.answer.then(
      (first) => first as CrewAnswer,
      () => null, // it has ended, which onEnd has told
    );
    if (answer) throw received(answer);
    if (this.failure) throw this.failure;
    worker.release();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.onFailure?.(this.failure);
  }

  /** Lets the workers prepare batches for all slots that are free. */
  private ask(): void {
    for (; this.asked < this.copied + this.slots.length; this.asked++) {
      let finish: Pending["finish"] = () => {};
      const done = new Promise<readonly BatchShare[]>((resolve) => {
        finish = resolve;
      });
      this.pending.set(this.asked, { shares: [], done, finish });
      const task: BatchTask = { iteration: this.asked, slot: this.slotOf(this.asked) };
      for (const worker of this.workers) worker.post(task);
    }
  }

  private slotOf(iteration: number): number {
    return iteration % this.slots.length;
  }

  private receive(share: BatchShare): void {
    const pending = this.pending.get(share.iteration);
    if (!pending) return;
    pending.shares.push(share);
    if (pending.shares.length === this.workers.length) pending.finish(pending.shares);
  }

  /** All shares of a batch. Only while they are waited for do the workers keep the process alive. */
  private async whole(iteration: number): Promise<readonly BatchShare[]> {
    if (this.failure) throw this.failure;
    const pending = this.pending.get(iteration);
    if (!pending) throw new Error(`data: batch ${iteration} was wanted before earlier ones were copied.`);
    const failed = new Promise<never>((_, reject) => {
      this.onFailure = reject;
    });
    for (const worker of this.workers) worker.hold();
    try {
      return await Promise.race([pending.done, failed]);
    } finally {
      this.onFailure = null;
      for (const worker of this.workers) worker.release();
    }
  }

  private batch(iteration: number, shares: readonly BatchShare[]): PreparedBatch {
    const { batchSize } = this.options;
    const indices = new Int32Array(batchSize);
    for (const { prepared } of shares) for (const [position, index] of prepared) indices[position] = index;
    const { labels } = this.source;
    return {
      iteration,
      pass: placesOf(iteration, { length: this.source.length, batchSize, dropLast: true }).pass,
      indices,
      labels: labels && Int32Array.from(indices, (index) => labels[index]),
      copyInputs: () => this.copy(iteration),
    };
  }

  private copy(iteration: number): void {
    if (iteration !== this.copied) throw new Error(`data: batch ${iteration} is not the next one to copy.`);
    const slot = new Float32Array(this.slots[this.slotOf(iteration)]);
    const { f32 } = runtime().heap;
    let part = 0;
    for (const { ptr, numel } of this.options.targets) {
      f32.set(slot.subarray(part, part + numel), ptr / 4);
      part += numel;
    }
    this.copied++;
    if (!this.failure) this.ask();
  }
}
