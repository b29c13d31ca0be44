import type { PreparedBatch } from "../data/batch-crew.js";
import type { RawImage } from "../data/dataset.js";
import { fullestMasks, type MaskBatch, maskBatch } from "../data/masking.js";
import { type CropSlots, MultiCrop, type MultiCropOptions } from "../data/multi-crop.js";
import type { InputRecipe } from "../data/sample-inputs.js";
import type { PoaBatch } from "../poa/batch.js";
import { CHANNELS } from "../poa/build.js";
import type { Config } from "../poa/config-keys.js";
import { persistent } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";

/** Keeps masks apart from other uses of the seed: "mask" in ASCII. */
const MASK_STREAM = 0x6d61736b;

/** Decoded images of one micro-batch with their place in the data. */
export interface ImageSample {
  readonly images: readonly RawImage[];
  /** Index of each image in its source. */
  readonly indices: ArrayLike<number>;
  /** Pass over the data. */
  readonly pass: number;
}

/** Turns decoded images into what a training step reads; the slots are made once and written anew for each batch. */
export class BatchMaker {
  /** What the slots hold of each image, for workers. */
  readonly inputs: InputRecipe & { readonly kind: "crops" };
  private readonly config: Config;
  private readonly multiCrop: MultiCrop;
  private readonly slots: CropSlots;
  private readonly maskSlot: Tensor;
  private readonly grid: number;
  private readonly keepEmptyMasks: boolean;

  /**
   * @param options.keepEmptyMasks  say of a batch in which by chance no patch is masked that none is, in place of null: with
   *   several ranks the patch loss takes place on all of them
   */
  constructor(config: Config, { keepEmptyMasks = false } = {}) {
    const { crops, student, train } = config;
    const batch = train.batch_size_per_gpu;
    this.config = config;
    this.keepEmptyMasks = keepEmptyMasks;
    this.inputs = { kind: "crops", options: cropOptions(config) };
    this.multiCrop = new MultiCrop(this.inputs.options);
    this.slots = this.multiCrop.allocate(batch);
    this.grid = Math.floor(crops.global_crops_size / (student.patch_size * train.scale_for_num_patch));
    this.maskSlot = persistent([2 * batch, this.grid * this.grid], "i32");
  }

  /** Where workers' inputs go. */
  get targets(): readonly Tensor[] {
    return [this.slots.globals, this.slots.locals];
  }

  /**
   * @param sample  B decoded images, or what workers have made of them
   * @param iteration  names the draws of the masks
   * @param micro  number of the micro-batch within the iteration
   * @param masked  whether the patch loss is on
   * @returns a batch in the slots, valid until the next call
   */
  make(sample: ImageSample | PreparedBatch, iteration: number, micro: number, masked: boolean): PoaBatch {
    const { seed } = this.config.train;
    const { indices, pass } = sample;
    if ("copyInputs" in sample) sample.copyInputs();
    else this.multiCrop.write(sample.images, { seed, epoch: pass, samples: indices }, this.slots);
    const rng = new Rng(seed, MASK_STREAM, iteration, micro);
    return this.batchOf(indices.length, masked ? maskBatch(rng, 2 * indices.length, this.maskOptions()) : null);
  }

  /**
   * A batch of the size of others, in the slots: the crops of one image, and as many masked patches as no batch exceeds. For
   * counting what a step needs.
   */
  outline(image: RawImage, masked: boolean): PoaBatch {
    const { batch_size_per_gpu: images, seed } = this.config.train;
    this.multiCrop.writeImage(image, { seed, epoch: 0, sample: 0 }, 0, this.slots);
    return this.batchOf(images, masked ? fullestMasks(2 * images, this.maskOptions()) : null);
  }

  private maskOptions() {
    const { mask_sample_probability: probability, mask_ratio_min_max: ratio } = this.config.ibot;
    return { grid: this.grid, probability, ratio: pair(ratio) };
  }

  /** What stands in the slots. */
  private batchOf(images: number, drawn: MaskBatch | null): PoaBatch {
    const any = drawn !== null && drawn.maskIndices.length > 0;
    const masked = any || this.keepEmptyMasks ? drawn : null;
    if (masked) this.maskSlot.write(masked.masks);
    return {
      images,
      globals: this.slots.globals,
      locals: this.config.crops.local_crops_number > 0 ? this.slots.locals : null,
      masked: masked && { masks: this.maskSlot, indices: masked.maskIndices, weights: masked.masksWeight },
    };
  }

  /** Gives its memory back. */
  dispose(): void {
    this.multiCrop.dispose();
    for (const slot of [this.slots.globals, this.slots.locals, this.maskSlot]) slot.dispose();
  }
}

const pair = (values: readonly number[]) => values as readonly [number, number];

function cropOptions({ crops }: Config): MultiCropOptions {
  return {
    channels: CHANNELS,
    globalCropsSize: crops.global_crops_size,
    localCropsSize: crops.local_crops_size,
    localCropsNumber: crops.local_crops_number,
    globalCropsScale: pair(crops.global_crops_scale),
    localCropsScale: pair(crops.local_crops_scale),
    flipProbability: crops.flip_probability,
    jitter: crops.jitter as readonly [number, number, number, number],
    jitterProbability: crops.jitter_probability,
    grayscaleProbability: crops.grayscale_probability,
    blurKernel: crops.blur_kernel,
    blurProbability: crops.blur_probability as readonly [number, number, number],
    solarizeProbability: crops.solarize_probability,
    rotationDegrees: crops.rotation_degrees,
    mean: crops.mean,
    std: crops.std,
  };
}
