import type { ImageSource, RawImage } from "../../data/dataset.js";
import { batches, type ImageBatch } from "../../data/loader.js";
import { ConfigError, DataError } from "../../errors.js";
import type { PoaBatch } from "../../poa/batch.js";
import { CHANNELS } from "../../poa/build.js";
import type { Config } from "../../poa/config-keys.js";
import { planRun } from "../../poa/plan.js";
import type { Tensor } from "../../tensor/tensor.js";
import { BatchMaker } from "../../train/crops.js";

/** Which step is drawn, and of how many images. */
export interface DrawOptions {
  /** Step of the run whose first micro-batch is shown. Default 0. */
  readonly iteration?: number;
  /** Images shown, the first of that batch. Default 8. */
  readonly images?: number;
  /** Told once per image that cannot be read. */
  readonly onWarning?: (message: string) => void;
}

/** A global crop. */
export interface GlobalCrop {
  readonly image: RawImage;
  /** Which patches of its grid are masked, 1 = masked, row by row; null for none. */
  readonly mask: Uint8Array | null;
}

/** What a training step makes of one image; the crops are RGB, brought back from normalised numbers. */
export interface DrawnImage {
  readonly original: RawImage;
  /** Where it comes from. */
  readonly path: string;
  readonly globals: readonly GlobalCrop[];
  readonly locals: readonly RawImage[];
}

/**
 * The crops and masks of the first micro-batch of a step, as training with this config and data draws them; its masks are
 * also given for steps before the patch loss begins, at which training draws none.
 *
 * @throws ConfigError for a step that the run does not have
 * @throws DataError if the images do not fill a batch
 */
export async function drawCrops(
  config: Config,
  source: ImageSource,
  { iteration = 0, images = 8, onWarning }: DrawOptions = {},
): Promise<DrawnImage[]> {
  const { train, ibot } = config;
  const { totalIterations } = planRun(config, { images: source.length });
  if (!(Number.isInteger(iteration) && iteration >= 0 && iteration < totalIterations)) {
    throw new ConfigError(
      `crops: step ${iteration} is not one of the ${totalIterations} of this run, which count from 0.`,
    );
  }
  const batch = await readBatch(source, {
    ...{ batchSize: train.batch_size_per_gpu, seed: train.seed, startIteration: iteration * train.accumulate },
    ...{ channels: CHANNELS, prefetch: 0, onWarning },
  });
  const maker = new BatchMaker(config);
  try {
    const made = maker.make(batch, iteration, 0, ibot.loss_weight > 0);
    const shown = Math.min(images, batch.images.length);
    return Array.from({ length: shown }, (_, i) => ({
      original: batch.images[i],
      path: source.path(batch.indices[i]),
      ...cropsOf(made, i, config),
    }));
  } finally {
    maker.dispose();
  }
}

async function readBatch(source: ImageSource, options: Parameters<typeof batches>[1]): Promise<ImageBatch> {
  for await (const batch of batches(source, options)) return batch;
  throw new DataError(`crops: ${source.name} gives no batch.`);
}

/** The crops of the image at one position of a batch, and the masks of its global ones. */
function cropsOf({ images, globals, locals, masked }: PoaBatch, position: number, { crops }: Config) {
  const row = (crop: number) => crop * images + position;
  const image = (slot: Tensor, crop: number) => denormalized(slot.select(0, row(crop)), crops);
  const maskAt = (crop: number) => {
    const mask = masked && Uint8Array.from(masked.masks.select(0, row(crop)).toArray());
    return mask?.includes(1) ? mask : null;
  };
  return {
    globals: [0, 1].map((crop) => ({ image: image(globals, crop), mask: maskAt(crop) })),
    locals: locals ? Array.from({ length: crops.local_crops_number }, (_, crop) => image(locals, crop)) : [],
  };
}

/** A normalised image [C, S, S] as bytes, interleaved. */
function denormalized(x: Tensor, { mean, std }: { mean: readonly number[]; std: readonly number[] }): RawImage {
  const [channels, height, width] = x.shape;
  const values = x.toArray();
  const plane = height * width;
  const data = new Uint8ClampedArray(values.length); // rounds to the nearest
  for (let i = 0; i < values.length; i++) {
    const c = Math.floor(i / plane);
    data[(i % plane) * channels + c] = 255 * (values[i] * std[c] + mean[c]);
  }
  return { width, height, channels, data: new Uint8Array(data.buffer) };
}
