import { parseRandAugment } from "../data/rand-augment.js";
import { ConfigError } from "../errors.js";

/** How a network is fine-tuned. Rates and probabilities lie in 0…1. */
export interface FinetuneSettings {
  /** Passes over the images; may be a fraction. */
  readonly epochs: number;
  /** Epochs over which the cosine is laid; more than `epochs` cuts it before its end. null = `epochs`. */
  readonly scheduleEpochs: number | null;
  /** Epochs of the rising learning rate. null = a tenth of `epochs`. */
  readonly warmupEpochs: number | null;
  /** Images of a micro-batch. */
  readonly batch: number;
  /** Micro-batches whose gradients are averaged for a step. */
  readonly accumulate: number;
  /** Learning rate at its peak. */
  readonly lr: number;
  /** Images of a step that `lr` is meant for; with others it grows in proportion. null = it is taken as it is. */
  readonly lrBatch: number | null;
  /** Learning rate at the end of the cosine. */
  readonly minLr: number;
  /** A layer learns at so many times the rate of the one above it. */
  readonly layerDecay: number;
  readonly weightDecay: number;
  /** Parameter of the Beta distribution of mixup; 0 = off. */
  readonly mixup: number;
  /** The same of CutMix. */
  readonly cutmix: number;
  /** Share of a target that is spread over all classes. */
  readonly smoothing: number;
  /** A policy such as m9-mstd0.5-inc1; null = off. */
  readonly randAugment: string | null;
  /** Strength of colour jitter where there is no RandAugment. */
  readonly jitter: number;
  /** Probability that a rectangle of an image is erased. */
  readonly erasing: number;
  /** Least area of a crop as a share of the image. */
  readonly leastArea: number;
  /** Probability of mirroring left and right. */
  readonly flip: number;
  /** Of the last block; rates rise linearly from 0 in the first. Transformers only. */
  readonly dropPath: number;
  /**
   * Times that an image stands in a batch, augmented anew each time (repeated augmentation); an epoch then sees as many times fewer
   * images, in as many steps. 1 = off.
   */
  readonly augRepeats: number;
  /** Momentum of a moving average of the weights after each step; null = none. */
  readonly ema: number | null;
  /** Length of a hidden layer of the classifier; 0 = a linear classifier. */
  readonly hidden: number;
  readonly seed: number;
  /** Run blocks again in the backward pass, for less memory. Transformers only. */
  readonly recompute: boolean;
}

/** What all published recipes of spec §7.3 share. */
const published: FinetuneSettings = {
  ...{ epochs: 100, scheduleEpochs: null, warmupEpochs: null },
  ...{ batch: 256, accumulate: 1, lr: 1e-3, lrBatch: null, minLr: 1e-6, layerDecay: 0.65, weightDecay: 0.05 },
  ...{
    mixup: 0.8,
    cutmix: 1,
    smoothing: 0.1,
    randAugment: "m9-mstd0.5-inc1",
    jitter: 0.4,
    erasing: 0.25,
    augRepeats: 1,
  },
  ...{ leastArea: 0.08, flip: 0.5, dropPath: 0.1, ema: null, hidden: 0, seed: 0, recompute: false },
};

/** ImageNet: epochs, peak rate, layer decay, batch, drop path. */
function imagenet(epochs: number, lr: number, layerDecay: number, rest: Partial<FinetuneSettings>): FinetuneSettings {
  return { ...published, epochs, lr, layerDecay, ...rest };
}

/** As in DeiT, whose recipe the transfer follows. */
const TRANSFER_REPEATS = 3;

/** Smaller sets: epochs, rate per 512 images, layer decay. */
function transfer(epochs: number, lr: number, layerDecay: number, dropPath = 0.1): FinetuneSettings {
  return {
    ...published,
    ...{ epochs, lr, layerDecay, dropPath, lrBatch: 512, warmupEpochs: 5, batch: 96, erasing: 0.1, seed: 1024 },
    augRepeats: TRANSFER_REPEATS,
  };
}

/** Drop path of a ViT-B. */
const BASE = 0.2;

/** Named settings: one for small images and a CPU, and the published ones. */
export const finetuneRecipes = {
  small: {
    ...published,
    ...{ epochs: 20, batch: 64, lr: 1e-3, layerDecay: 0.75, leastArea: 0.35, dropPath: 0 },
    ...{ mixup: 0, cutmix: 0, randAugment: null, jitter: 0.2, erasing: 0 },
  },
  vit_s: imagenet(200, 2e-3, 0.55, { dropPath: 0.1 }),
  vit_b: imagenet(100, 7e-4, 0.4, { dropPath: 0.2 }),
  vit_l: imagenet(50, 1.8e-3, 0.6, { dropPath: 0.2 }),
  swin_t: imagenet(200, 1.4e-3, 0.6, { batch: 128, dropPath: 0.1 }),
  swin_s: imagenet(100, 1e-3, 0.4, { batch: 128, dropPath: 0.2 }),
  swin_b: imagenet(50, 7e-4, 0.55, { batch: 64, dropPath: 0.2 }),
  resnet_50: imagenet(100, 1.4e-3, 0.6, { batch: 128, dropPath: 0 }),
  resnet_101: imagenet(100, 1e-3, 0.4, { batch: 128, dropPath: 0 }),
  resnet_152: imagenet(100, 7e-4, 0.45, { batch: 64, dropPath: 0 }),
  cifar10_s: transfer(1000, 8e-6, 0.9),
  cifar10_b: transfer(1000, 7.5e-6, 0.9, BASE),
  cifar100_s: transfer(1000, 9e-6, 0.85),
  cifar100_b: transfer(1000, 7.5e-6, 0.8, BASE),
  inat18_s: transfer(360, 4e-4, 0.8),
  inat18_b: transfer(360, 2e-4, 0.75, BASE),
  inat19_s: transfer(360, 7e-5, 0.85),
  inat19_b: transfer(360, 4e-5, 0.75, BASE),
  flowers_s: transfer(1000, 6e-4, 0.6),
  flowers_b: transfer(1000, 5e-4, 0.7, BASE),
  cars_s: transfer(1000, 4e-4, 0.8),
  cars_b: transfer(1000, 3e-4, 0.7, BASE),
  /** 1 % or 10 % of the labels (spec §7.3). */
  semi: { ...published, epochs: 1000, lr: 5e-6, lrBatch: 512, batch: 128, layerDecay: 1, hidden: 2048 },
} as const satisfies Record<string, FinetuneSettings>;

/** Names of the recipes. */
export type FinetuneRecipe = keyof typeof finetuneRecipes;

/** Epochs over which the published code lays the cosine, however many are run. */
const PUBLISHED_SCHEDULE_EPOCHS = 200;

/**
 * Settings as the published code took them, which is not as they were meant: without drop path, and with the cosine over 200
 * epochs also where fewer are run.
 */
export function asPublished(settings: FinetuneSettings): FinetuneSettings {
  return { ...settings, dropPath: 0, scheduleEpochs: Math.max(settings.epochs, PUBLISHED_SCHEDULE_EPOCHS) };
}

/** @throws ConfigError with everything that is out of range */
export function checkFinetuneSettings(settings: FinetuneSettings): void {
  const problems: string[] = [];
  const expect = (ok: boolean, key: keyof FinetuneSettings, what: string) => {
    if (!ok) problems.push(`${key} is ${JSON.stringify(settings[key])}; expected ${what}.`);
  };
  const share = (x: number) => x >= 0 && x <= 1;
  const { epochs, scheduleEpochs, warmupEpochs } = settings;
  expect(epochs > 0 && epochs <= 1e6, "epochs", "a number above 0");
  expect(scheduleEpochs === null || scheduleEpochs >= epochs, "scheduleEpochs", `at least the epochs, ${epochs}`);
  expect(warmupEpochs === null || (warmupEpochs >= 0 && warmupEpochs <= epochs), "warmupEpochs", `0 to ${epochs}`);
  for (const key of ["batch", "accumulate", "augRepeats"] as const)
    expect(Number.isInteger(settings[key]) && settings[key] >= 1, key, "a whole number from 1 on");
  expect(Number.isInteger(settings.hidden) && settings.hidden >= 0, "hidden", "a whole number from 0 on");
  expect(Number.isSafeInteger(settings.seed), "seed", "a whole number");
  for (const key of ["lr", "minLr", "weightDecay", "mixup", "cutmix", "jitter"] as const)
    expect(settings[key] >= 0 && Number.isFinite(settings[key]), key, "a number from 0 on");
  expect(settings.lrBatch === null || settings.lrBatch > 0, "lrBatch", "a number above 0");
  expect(settings.layerDecay > 0 && settings.layerDecay <= 1, "layerDecay", "above 0, at most 1");
  expect(settings.leastArea > 0 && settings.leastArea <= 1, "leastArea", "above 0, at most 1");
  for (const key of ["smoothing", "erasing", "flip"] as const) expect(share(settings[key]), key, "0 to 1");
  expect(settings.dropPath >= 0 && settings.dropPath < 1, "dropPath", "from 0 on, below 1");
  expect(settings.ema === null || (settings.ema >= 0 && settings.ema < 1), "ema", "from 0 on, below 1");
  if (problems.length > 0) throw new ConfigError(`finetune: ${problems.join(" ")}`);
  if (settings.randAugment !== null) parseRandAugment(settings.randAugment);
}
