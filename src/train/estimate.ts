import { MemoryError } from "../errors.js";
import { sizeOfNetwork } from "../models/size.js";
import { buildBranch, CHANNELS } from "../poa/build.js";
import type { Config } from "../poa/config-keys.js";
import { planRun, searchSpace } from "../poa/plan.js";
import { runtime } from "../runtime/context.js";
import { ADDRESS_SPACE_BYTES } from "../runtime/memory.js";
import { shapesOnly } from "../tensor/create.js";
import { cacheBytes } from "./cached-source.js";
import { firstFit, fitsBelow } from "./fitting.js";
import { countMemory, countWork, type ImageSize, type MemoryCount, type WorkCount } from "./step-count.js";

/** Where no image is known: one of ImageNet, on average. */
const TYPICAL_IMAGE: ImageSize = { width: 500, height: 375 };

/** What a run would need, counted without making it. */
export interface RunEstimate {
  readonly networks: number;
  readonly backboneParams: number;
  readonly headParams: number;
  /** Multiply-adds of one forward pass of the full backbone over one global crop. */
  readonly macs: number;
  /** Multiply-adds of a training step for each of its images: all passes of teacher and students, forward and backward. */
  readonly trainingMacs: number;
  /** null if it depends on how many images there are, and that is not known. */
  readonly iterations: number | null;
  readonly imagesPerStep: number;
  readonly memory: MemoryCount;
  /** Of linear memory. */
  readonly memoryLimitBytes: number;
  readonly fits: boolean;
  /** Settings with which the run would fit, if it does not; null if none are known. */
  readonly wayOut: readonly string[] | null;
  /** Of a step. */
  readonly work: WorkCount;
}

export interface EstimateOptions {
  /** Threads that will compute. Default 1. */
  readonly threads?: number;
  /** Where linear memory ends. Default 4 GiB. */
  readonly limitBytes?: number;
  /** A typical image. */
  readonly image?: ImageSize;
  /** Ranks that train together; work and memory are those of each. Default 1. */
  readonly processes?: number;
}

/**
 * @param images  how many there are; null if that is not known
 * @throws DataError if the images do not fill a step
 */
export function estimateRun(config: Config, images: number | null, options: EstimateOptions = {}): RunEstimate {
  const { threads = 1, limitBytes = ADDRESS_SPACE_BYTES, image = TYPICAL_IMAGE, processes = 1 } = options;
  const plan = planRun(config, { images: images ?? Number.POSITIVE_INFINITY, processes });
  const branch = shapesOnly(() => buildBranch(config));
  const { params, macs } = sizeOfNetwork(branch.backbone, config.crops.global_crops_size);
  const counting = { threads, limitBytes, image };
  const fits = fitsBelow(config, counting);
  const work = countWork(config, { threads, image });
  return {
    networks: searchSpace(config).distinct().length,
    backboneParams: params,
    headParams: branch.parameterCount - branch.backbone.parameterCount,
    macs,
    trainingMacs: (work.multiplyAdds * processes) / plan.imagesPerStep,
    iterations: Number.isFinite(plan.totalIterations) ? plan.totalIterations : null,
    imagesPerStep: plan.imagesPerStep,
    memory: countMemory(config, { threads, image }),
    memoryLimitBytes: limitBytes,
    fits,
    wayOut: fits ? null : firstFit(config, counting),
    work,
  };
}

/** Decoded batches at a time without workers: one in use, two read ahead (data/loader.ts). */
const DECODED_BATCHES = 3;
/** Decoded images at a time of a worker (data/crew-program.ts). */
const DECODED_BY_WORKER = 4;
/** The engine's own heap: a young generation at its limit, what is older within its bound (heap-bound.ts), compiled code. */
const HEAP_BYTES = 64 << 20;
/** What a thread touches of the working memory of its kernels, and its own stack and heap. */
const THREAD_BYTES = 3 << 20;
/** Engine, decoder and image kernels of a worker. */
const WORKER_BYTES = 24 << 20;

export interface ProcessOptions {
  readonly images: number;
  /** A typical image. */
  readonly image?: ImageSize;
  /** Threads that compute. Default 1. */
  readonly threads?: number;
  /** Threads that prepare images beside the calling one. Default 0. */
  readonly workers?: number;
}

/** What a run adds to the resident memory of a process that has its images open and the runtime started, its heap aside. */
export function processBytes(
  { memory }: RunEstimate,
  { train, crops }: Config,
  { images, image = TYPICAL_IMAGE, threads = 1, workers = 0 }: ProcessOptions,
): number {
  const imageBytes = CHANNELS * image.width * image.height;
  const { batch_size_per_gpu: batch, accumulate } = train;
  const decoded = workers > 0 ? workers * DECODED_BY_WORKER : DECODED_BATCHES * batch;
  const cached = train.cache === "memory" ? Math.min(cacheBytes(train), images * imageBytes) : 0;
  const engine = HEAP_BYTES + threads * THREAD_BYTES + workers * WORKER_BYTES;
  const pixels = 2 * crops.global_crops_size ** 2 + crops.local_crops_number * crops.local_crops_size ** 2;
  const slots = workers > 0 ? (accumulate + 1) * batch * 4 * CHANNELS * pixels : 0; // data/batch-crew.ts
  const { stateBytes, activationBytes, hostBytes } = memory;
  return stateBytes + activationBytes + hostBytes + decoded * imageBytes + slots + cached + engine;
}

/**
 * Looks whether a run fits into linear memory, before any of it is made.
 *
 * @throws MemoryError that says with which settings it would fit, or what to lower
 */
export function refuseOversized(config: Config): void {
  const { memoryLimitBytes: limitBytes, threads } = runtime();
  const side = config.crops.global_crops_size; // images may be this small, and what may fit is not refused
  const image = { width: side, height: side };
  const counting = { limitBytes, threads, image };
  if (fitsBelow(config, counting)) return;
  const need = countMemory(config, { threads, image });
  throw new MemoryError(`pretrain: ${shortfall(need, limitBytes)} ${wayOutOf(config, firstFit(config, counting))}`);
}

const size = (bytes: number) =>
  bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function shortfall({ stateBytes, activationBytes, linearBytes }: MemoryCount, limitBytes: number): string {
  return (
    `the run needs ${size(linearBytes)} of linear memory (state ${size(stateBytes)}, activations ` +
    `${size(activationBytes)}), of which there are ${size(limitBytes)}.`
  );
}

/** What makes a run fit, as a sentence. */
export function wayOutOf({ student }: Config, settings: readonly string[] | null): string {
  if (settings) return `It fits with ${settings.join(" ")}.`;
  const sizes =
    student.arch === "resnet_dynamic" ? "student.base_channels, student.max_depths" : "student.max_embed_dim";
  return (
    "Moments outside, recomputed blocks and small micro-batches together are not enough: lower " +
    `${sizes}${student.arch === "vit_dynamic" ? ", student.max_depth" : ""} or dino.head_n_prototypes.`
  );
}
