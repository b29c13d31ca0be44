import { runtime } from "../runtime/context.js";
import { coreCount, type HostWorker, moduleWorkerProblem } from "../runtime/host-worker.js";
import { WasmHeap } from "../runtime/memory.js";
import type { Tensor } from "../tensor/tensor.js";
import { BatchCrew, type PreparedBatch } from "./batch-crew.js";
import type { ImageSource } from "./dataset.js";
import { type BatchStream, batches, type ImageBatch } from "./loader.js";
import type { InputRecipe } from "./sample-inputs.js";

export interface FeedOptions {
  readonly batchSize: number;
  readonly seed: number;
  readonly channels: 1 | 3;
  readonly inputs: InputRecipe;
  /** The tensors that a step reads for one batch, dense f32 (sample-inputs.ts says how rows lie). */
  readonly targets: readonly Tensor[];
  /** Batches that a step reads one after the other. */
  readonly held: number;
  /** Workers that prepare batches; 0 for none. */
  readonly workers: number;
  /** Stop at the first broken image. */
  readonly strict?: boolean;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
  /** Starts a worker on a module; the host's own by default. */
  readonly start?: (url: string) => HostWorker;
}

/** A batch in turn: decoded images, or inputs that workers have made of them. */
export type FedBatch = ImageBatch | PreparedBatch;

/** What reads batches one after the other, from some iteration on. */
interface Reading {
  readonly broken: ReadonlyMap<string, string>;
  next(): Promise<FedBatch>;
  close(): void;
}

/**
 * The batches of a training run, from workers or from the calling thread, whose content is the same. Reading begins with the
 * first batch that is asked for.
 */
export class BatchFeed {
  private readonly source: ImageSource;
  private readonly options: FeedOptions;
  private reading: Reading | null = null;
  private following = 0;

  constructor(source: ImageSource, options: FeedOptions) {
    this.source = source;
    this.options = options;
  }

  /** Reasons by path of the images that could not be read since reading began. */
  get broken(): ReadonlyMap<string, string> {
    return this.reading?.broken ?? new Map();
  }

  /**
   * @param iteration  number of the batch since the start of the run; others than the one after the last begin reading anew
   * @throws DataError, ResourceError as `batches` and `BatchCrew`
   */
  async read(iteration: number): Promise<FedBatch> {
    if (iteration !== this.following) this.close();
    this.reading ??= await this.begin(iteration);
    const batch = await this.reading.next();
    this.following = iteration + 1;
    return batch;
  }

  /** Ends reading; nothing is told about images any more. */
  close(): void {
    this.reading?.close();
    this.reading = null;
  }

  private async begin(from: number): Promise<Reading> {
    const { options, source } = this;
    const { workers, strict = false } = options;
    const { recipe } = source;
    if (workers > 0 && recipe && !workersProblem())
      return BatchCrew.start(source, { ...options, strict, recipe, from });
    const { batchSize, seed, channels, onWarning } = options;
    const broken = strict ? "throw" : "replace";
    return readingOf(batches(source, { batchSize, seed, channels, broken, startIteration: from, onWarning }));
  }
}

function readingOf(stream: BatchStream): Reading {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    broken: stream.broken,
    next: async () => (await iterator.next()).value,
    close: () => void iterator.return?.(),
  };
}

/** Why batches are prepared by the calling thread here, or null. */
function workersProblem(): string | null {
  if (!(runtime().heap instanceof WasmHeap)) return "the kernels are not the compiled ones";
  return moduleWorkerProblem();
}

/**
 * How many workers prepare batches.
 *
 * @param most  that are wanted
 * @returns as many as there are cores that do not compute, at most
 */
export function spareWorkers(most: number): number {
  return Math.max(0, Math.min(most, coreCount() - runtime().threads));
}
