import { ConfigError, ResourceError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { coreCount, moduleWorkerProblem } from "../runtime/host-worker.js";
import { WasmHeap } from "../runtime/memory.js";
import type { Tensor } from "../tensor/tensor.js";
import { BatchCrew, type PreparedBatch } from "./batch-crew.js";
import type { ImageSource } from "./dataset.js";
import { type BatchStream, batches, type ImageBatch } from "./loader.js";
import type { DecodedImage } from "./packed-source.js";
import type { InputRecipe } from "./sample-inputs.js";
import { decodes } from "./source-recipe.js";

/** Which batches a training reads, and who prepares them. */
export interface FeedOptions {
  readonly batchSize: number;
  readonly seed: number;
  /** Times that an image stands in a pass; see `OrderOptions`. Default 1. */
  readonly repeats?: number;
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
  /** Told about images that workers have not found where the source's recipe packs them. */
  readonly onDecoded?: (decoded: DecodedImage) => void;
}

/** More are a mistake: each holds a decoder and an engine of its own. */
const MOST_WORKERS = 64;

/** A batch in turn: decoded images, or inputs that workers have made of them. */
export type FedBatch = ImageBatch | PreparedBatch;

/** What reads batches one after the other, from some iteration on. */
interface Reading {
  readonly broken: ReadonlyMap<string, string>;
  /** The next batch. */
  next(): Promise<FedBatch>;
  /** Ends the reading; workers stop. */
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
  /** How often reading has been ended. */
  private closed = 0;

  /** @throws ConfigError for a number of workers that is not one */
  constructor(source: ImageSource, options: FeedOptions) {
    const { workers } = options;
    if (!Number.isInteger(workers) || workers < 0 || workers > MOST_WORKERS)
      throw new ConfigError(`data: workers is ${workers}, expected a whole number from 0 to ${MOST_WORKERS}.`);
    this.source = source;
    this.options = options;
  }

  /** How many workers prepare batches here. */
  get workers(): number {
    return this.source.recipe && !workersProblem() ? this.options.workers : 0;
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
    const reading = this.reading ?? (await this.begin(iteration));
    try {
      const batch = await reading.next();
      this.following = iteration + 1;
      return batch;
    } catch (error) {
      if (this.reading === reading) this.close(); // whoever tries again begins anew
      throw error;
    }
  }

  /** Ends reading; nothing is told about images any more. */
  close(): void {
    this.closed++;
    this.reading?.close();
    this.reading = null;
  }

  private async begin(from: number): Promise<Reading> {
    const before = this.closed;
    const reading = await this.open(from);
    if (this.closed !== before) {
      reading.close();
      throw new ResourceError("data: reading was ended before it had begun.");
    }
    this.reading = reading;
    return reading;
  }

  private async open(from: number): Promise<Reading> {
    const { options, source } = this;
    const { strict = false } = options;
    const { recipe } = source;
    if (this.workers > 0 && recipe) return BatchCrew.start(source, { ...options, strict, recipe, from });
    const { batchSize, seed, repeats, channels, onWarning } = options;
    const broken = strict ? "throw" : "replace";
    return readingOf(batches(source, { batchSize, seed, repeats, channels, broken, startIteration: from, onWarning }));
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
 * How many workers prepare batches where nobody says.
 *
 * @param source  what lies in memory undecoded has none: a worker would hold all of it a second time
 * @param most  as many at most
 * @returns one for each core that does not compute, and one where all do, since calls of kernels leave gaps; none on one core
 */
export function usualWorkers({ recipe }: ImageSource, most = Number.POSITIVE_INFINITY): number {
  const cores = coreCount();
  if (cores === 1 || !recipe || !decodes(recipe) || workersProblem()) return 0;
  return Math.min(most, Math.max(1, cores - runtime().threads));
}
