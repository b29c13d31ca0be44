import { step } from "../../autograd/tape.js";
import type { ImageSource } from "../../data/dataset.js";
import { splitLabels } from "../../data/labelled-image.js";
import { batches, type ImageBatch } from "../../data/loader.js";
import { IGNORED } from "../../data/mask-meaning.js";
import { type CropBatch, SegmentationCrop } from "../../data/segmentation-crop.js";
import { NumericError } from "../../errors.js";
import { type DropPath, dropPathPerSample } from "../../nn/drop-path.js";
import { resizeBilinear } from "../../ops/bilinear.js";
import { crossEntropy } from "../../ops/cross-entropy.js";
import { AdamW } from "../../optim/adamw.js";
import { parameterGroups } from "../../optim/groups.js";
import { polySchedule } from "../../optim/schedule.js";
import { Rng } from "../../tensor/random.js";
import { type Segmenter, segmentationLogits } from "./segmenter.js";

/** Keeps the crops and stochastic depth apart from other uses of a seed: "scrp" and "sdrp" in ASCII. */
const STREAM = 0x73637270;
const DROP_STREAM = 0x73647270;

/** A warm-up takes this share of the run, at most so many iterations. */
const WARMUP_SHARE = 0.05;
const LONGEST_WARMUP = 1500;

/** How a segmentation head is trained. */
export interface SegmenterTrainingOptions {
  readonly iterations: number;
  readonly batchSize: number;
  /** Peak learning rate of the head, and of the last layer of a backbone that is tuned. */
  readonly lr: number;
  /** Default 0.05. */
  readonly weightDecay?: number;
  /** Factor from each layer of the backbone to the one below, where it is tuned. Default 0.8. */
  readonly layerDecay?: number;
  readonly seed?: number;
  /** Short side that images are brought to, and side of the crops, in pixels. */
  readonly size: number;
  readonly crop: number;
  /** Stop at the first broken image instead of taking another in its place. */
  readonly strict?: boolean;
  /** Told after every step. */
  readonly onStep?: (report: { iteration: number; loss: number; lr: number }) => void;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Trains the head of a segmenter, and its backbone if gradients flow to it: cross-entropy of each pixel at the size of the crop,
 * AdamW, a straight schedule to zero after a warm-up (spec §7.6). The blocks of a backbone that is trained have the drop path that
 * they were built with.
 *
 * @param source  images whose last channel is the label (data/labelled-image.ts)
 * @throws NumericError if the loss is not finite; DataError if no image can be read
 */
export async function trainSegmenter(
  segmenter: Segmenter,
  source: ImageSource,
  options: SegmenterTrainingOptions,
): Promise<void> {
  const { iterations, lr, size, crop, weightDecay = 0.05, seed = 0, strict = false, onStep, onWarning } = options;
  const batchSize = Math.min(options.batchSize, source.length);
  const crops = new SegmentationCrop({ ...segmenter.encoder.spec, size, crop });
  const slot = crops.allocate(batchSize);
  const optimizer = new AdamW(groupsOf(segmenter, options.layerDecay ?? 0.8), { weightDecay });
  const warmup = Math.min(LONGEST_WARMUP, Math.floor(WARMUP_SHARE * iterations));
  const schedule = polySchedule({ base: lr, total: iterations, warmup });
  const stream = batches(source, { batchSize, seed, broken: strict ? "throw" : "replace", onWarning });
  try {
    for await (const batch of stream) {
      const { iteration } = batch;
      if (iteration >= iterations) break;
      crops.write(batch.images.map(splitLabels), streamsOf(batch, seed), slot);
      const rate = schedule(iteration);
      const dropPath = dropPathPerSample(new Rng(seed, DROP_STREAM, iteration));
      const loss = trainStep(segmenter, { ...slot, dropPath }, () => optimizer.update({ lr: rate }));
      if (!Number.isFinite(loss))
        throw new NumericError(`segmentation: the loss is ${loss} in step ${iteration}. Lower the learning rate.`);
      onStep?.({ iteration, loss, lr: rate });
    }
  } finally {
    slot.images.dispose();
    crops.dispose();
    optimizer.dispose();
  }
}

/** One stream for the crop of each image of a batch. */
function streamsOf({ pass, indices }: ImageBatch, seed: number): Rng[] {
  return Array.from(indices, (index) => new Rng(seed, STREAM, pass, index));
}

function trainStep(
  segmenter: Segmenter,
  { images, labels, dropPath }: CropBatch & { dropPath: DropPath },
  update: () => void,
): number {
  return step(() => {
    const [, , height, width] = images.shape;
    const logits = resizeBilinear(segmentationLogits(segmenter, images, { dropPath }), height, width); // [B, S, S, classes]
    const loss = crossEntropy(logits.reshape([labels.length, -1]), labels, { ignore: IGNORED });
    const value = loss.item();
    if (Number.isFinite(value)) {
      loss.backward();
      update();
    }
    return value;
  });
}

/** The head's parameters, and those of a backbone that is not frozen, with their multipliers. */
function groupsOf({ encoder, head }: Segmenter, layerwiseDecay: number) {
  const tuned = encoder.backbone.namedParameters().filter(([, { tracked }]) => tracked);
  return parameterGroups(
    [
      ...tuned.map(([name, x]) => [`backbone.${name}`, x] as const),
      ...head.namedParameters().map(([name, x]) => [`head.${name}`, x] as const),
    ],
    { layerwiseDecay },
  );
}
