import type { FedBatch } from "../data/batch-feed.js";
import { drawMix, mixImages, mixTargets } from "../data/mixup.js";
import { parseRandAugment } from "../data/rand-augment.js";
import type { InputRecipe } from "../data/sample-inputs.js";
import { TrainTransform } from "../data/train-transform.js";
import { DataError } from "../errors.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { fromArray } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { FinetuneSettings } from "./finetune-settings.js";

/** Keeps these draws apart from other uses of the seed: "mixu" in ASCII. */
const MIX_STREAM = 0x6d697875;

/** What a fine-tuning step learns from. */
export interface LabelledBatch {
  /** f32 [B, C, S, S] */
  readonly images: Tensor;
  /** f32 [B, classes]; rows sum to 1. */
  readonly targets: Tensor;
}

/** Turns decoded images with labels into what a step reads; the slot is made once and written anew for each batch. */
export class LabelledBatchMaker {
  /** What the slot holds of each image, for workers. */
  readonly inputs: InputRecipe;
  private readonly settings: FinetuneSettings;
  private readonly classes: number;
  private readonly transform: TrainTransform;
  private readonly slot: Tensor;

  constructor(settings: FinetuneSettings, spec: EncoderSpec, classes: number) {
    const { randAugment, jitter, erasing, leastArea, flip } = settings;
    this.settings = settings;
    this.classes = classes;
    const options = {
      size: spec.imageSize,
      channels: spec.channels,
      mean: spec.mean,
      std: spec.std,
      leastArea,
      flipProbability: flip,
      randAugment: randAugment === null ? null : parseRandAugment(randAugment),
      jitter,
      erasing,
    };
    this.inputs = { kind: "labelled", options };
    this.transform = new TrainTransform(options);
    this.slot = this.transform.allocate(settings.batch);
  }

  /** Where workers' inputs go. */
  get targets(): readonly Tensor[] {
    return [this.slot];
  }

  /**
   * @param batch  one micro-batch: decoded images, or what workers have made of them
   * @param iteration  names the draws of the mix
   * @param micro  number of the micro-batch within the iteration
   * @returns images in the slot, valid until the next call; targets of the running step
   * @throws DataError if the images have no labels
   */
  make(batch: FedBatch, iteration: number, micro: number): LabelledBatch {
    const { indices, labels } = batch;
    if (!labels) throw new DataError("finetune: the images have no labels. Put them into one folder per class.");
    const { seed, smoothing } = this.settings;
    const { classes } = this;
    const slot = this.slot.narrow(0, 0, indices.length);
    if ("copyInputs" in batch) batch.copyInputs();
    else this.transform.write(batch.images, { seed, looks: batch.looks, indices }, slot);
    const [, , height, width] = slot.shape;
    const mix = drawMix(new Rng(seed, MIX_STREAM, iteration, micro), this.settings, { height, width });
    mixImages(slot, mix);
    const targets = mixTargets(labels, mix, { classes, smoothing });
    return { images: slot, targets: fromArray(targets, [labels.length, classes]) };
  }

  /** Gives its memory back. */
  dispose(): void {
    this.transform.dispose();
    this.slot.dispose();
  }
}
