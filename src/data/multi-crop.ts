import { ConfigError, ShapeError } from "../errors.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { applyAugmentation } from "./augment.js";
import { type AugmentParameters, type AugmentPolicy, drawAugmentation, type Size } from "./augment-parameters.js";
import type { RawImage } from "./dataset.js";
import { ImageWorkspace } from "./image-workspace.js";

const GLOBAL_CROPS = 2;

/** The `crops` part of a configuration. Defaults are the official recipe. */
export interface MultiCropOptions {
  /** Of every image. Default 3. */
  readonly channels?: number;
  /** Side of the two global crops in pixels. Default 224. */
  readonly globalCropsSize?: number;
  /** Side of the local crops in pixels. Default 96. */
  readonly localCropsSize?: number;
  /** Default 8; 0 is allowed. */
  readonly localCropsNumber?: number;
  /** Area range as a share of the image. Default [0.32, 1]. */
  readonly globalCropsScale?: readonly [number, number];
  /** Default [0.05, 0.32]. */
  readonly localCropsScale?: readonly [number, number];
  readonly flipProbability?: number;
  /** Brightness, contrast, saturation, hue. Default [0.4, 0.4, 0.2, 0.1]. */
  readonly jitter?: readonly [number, number, number, number];
  readonly jitterProbability?: number;
  readonly grayscaleProbability?: number;
  /** Taps of the Gaussian, odd. Default 9. */
  readonly blurKernel?: number;
  /** For the first global, the second global and the local crops, as they take effect. Default [0, 0.9, 0.5]. */
  readonly blurProbability?: readonly [number, number, number];
  /** Of the second global crop; the others are never solarised. Default 0.2. */
  readonly solarizeProbability?: number;
  /** Turns of up to this many degrees either way, before cropping. Default 0. */
  readonly rotationDegrees?: number;
  /** Per channel, of values scaled to 0…1. Default ImageNet's. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

const BLUR_SIGMA = [0.1, 2] as const;

const defaults = {
  channels: 3,
  globalCropsSize: 224,
  localCropsSize: 96,
  localCropsNumber: 8,
  globalCropsScale: [0.32, 1],
  localCropsScale: [0.05, 0.32],
  flipProbability: 0.5,
  jitter: [0.4, 0.4, 0.2, 0.1],
  jitterProbability: 0.8,
  grayscaleProbability: 0.2,
  blurKernel: 9,
  blurProbability: [0, 0.9, 0.5],
  solarizeProbability: 0.2,
  rotationDegrees: 0,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const satisfies MultiCropOptions;

/** Options with their defaults filled in. */
type ResolvedOptions = Required<MultiCropOptions>;

/** The crops of a batch, crop-major: crop 0 of all images, crop 1 of all images, … */
export interface CropSlots {
  /** f32 [2·B, channels, S, S] */
  readonly globals: Tensor;
  /** f32 [localCropsNumber·B, channels, s, s] */
  readonly locals: Tensor;
}

/** Names the random streams of one image: its crops depend on these three numbers and on nothing else. */
export interface SampleKey {
  readonly seed: number;
  readonly epoch: number;
  /** Index of the image in its source. */
  readonly sample: number;
}

/** Two global and several local crops of each image, each augmented on its own. */
export class MultiCrop {
  readonly options: ResolvedOptions;
  /** One per crop: the globals, then the locals. */
  readonly policies: readonly AugmentPolicy[];
  private readonly workspace: ImageWorkspace;

  /** @throws ConfigError for an option out of range */
  constructor(options: MultiCropOptions = {}) {
    this.options = { ...defaults, ...options };
    checkOptions(this.options);
    this.policies = policiesOf(this.options);
    this.workspace = new ImageWorkspace(this.options);
  }

  /** Persistent, uninitialised slots for a batch of B images. */
  allocate(batch: number): CropSlots {
    const { channels, globalCropsSize: s, localCropsSize: l, localCropsNumber } = this.options;
    return {
      globals: persistent([GLOBAL_CROPS * batch, channels, s, s]),
      locals: persistent([localCropsNumber * batch, channels, l, l]),
    };
  }

  /** What happens to one crop of an image. */
  parameters({ seed, epoch, sample }: SampleKey, crop: number, image: Size): AugmentParameters {
    return drawAugmentation(new Rng(seed, epoch, sample, crop), image, this.policies[crop]);
  }

  /**
   * Writes the crops of a batch.
   *
   * @param images  B images
   * @param key  seed, epoch and the B indices of the images in their source
   * @throws ShapeError if the slots are not those of B images
   * @throws DataError if an image has other channels
   */
  write(
    images: readonly RawImage[],
    key: { seed: number; epoch: number; samples: ArrayLike<number> },
    slots: CropSlots,
  ): void {
    this.checkSlots(slots, images.length);
    const { seed, epoch, samples } = key;
    images.forEach((image, position) => {
      this.writeImage(image, { seed, epoch, sample: samples[position] }, position, slots);
    });
  }

  /**
   * Writes the crops of one image.
   *
   * @param position  of the image in the batch
   * @throws DataError if the image has other channels
   */
  writeImage(image: RawImage, key: SampleKey, position: number, slots: CropSlots): void {
    this.workspace.load(image);
    const batch = slots.globals.shape[0] / GLOBAL_CROPS;
    this.policies.forEach(({ size }, crop) => {
      const local = crop - GLOBAL_CROPS;
      const [slot, row] =
        local < 0 ? [slots.globals, crop * batch + position] : [slots.locals, local * batch + position];
      const target = slot.ptr + row * this.options.channels * size * size * sizeOf.f32;
      applyAugmentation(this.workspace, this.parameters(key, crop, image), { height: size, width: size }, target);
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }

  private checkSlots({ globals, locals }: CropSlots, batch: number): void {
    const { channels, globalCropsSize: s, localCropsSize: l, localCropsNumber } = this.options;
    for (const [name, slot, shape] of [
      ["globals", globals, [GLOBAL_CROPS * batch, channels, s, s]],
      ["locals", locals, [localCropsNumber * batch, channels, l, l]],
    ] as const) {
      if (slot.dtype === "f32" && slot.contiguous && formatShape(slot.shape) === formatShape(shape)) continue;
      throw new ShapeError(
        `multi-crop: ${name} is ${slot.describe()}, expected a dense f32 ${formatShape(shape)} for ${batch} images.`,
      );
    }
  }
}

function policiesOf(options: ResolvedOptions): AugmentPolicy[] {
  const { blurProbability, solarizeProbability, localCropsNumber } = options;
  const common = { ...options, blurSigma: BLUR_SIGMA, solarizeProbability: 0 };
  const global = { ...common, size: options.globalCropsSize, scale: options.globalCropsScale };
  const local = {
    ...common,
    size: options.localCropsSize,
    scale: options.localCropsScale,
    blurProbability: blurProbability[2],
  };
  return [
    { ...global, blurProbability: blurProbability[0] },
    { ...global, blurProbability: blurProbability[1], solarizeProbability },
    ...Array.from({ length: localCropsNumber }, () => local),
  ];
}

function checkOptions(options: ResolvedOptions): void {
  const expect = (ok: boolean, key: string, what: string) => {
    if (ok) return;
    const value = JSON.stringify(options[key as keyof ResolvedOptions]);
    throw new ConfigError(`crops: ${key} is ${value}; expected ${what}.`);
  };
  const positive = (n: number) => Number.isInteger(n) && n > 0;
  const share = (p: number) => p >= 0 && p <= 1;
  for (const key of ["channels", "globalCropsSize", "localCropsSize"] as const) {
    expect(positive(options[key]), key, "a positive whole number");
  }
  expect(
    Number.isInteger(options.localCropsNumber) && options.localCropsNumber >= 0,
    "localCropsNumber",
    "a whole number from 0 on",
  );
  for (const key of ["globalCropsScale", "localCropsScale"] as const) {
    const [low, high] = options[key];
    expect(low > 0 && low <= high && high <= 1, key, "an ascending range within 0…1, above 0");
  }
  for (const key of ["flipProbability", "jitterProbability", "grayscaleProbability", "solarizeProbability"] as const) {
    expect(share(options[key]), key, "a probability");
  }
  expect(
    options.blurProbability.length === 3 && options.blurProbability.every(share),
    "blurProbability",
    "three probabilities",
  );
  expect(options.jitter.length === 4 && options.jitter.every((x) => x >= 0), "jitter", "four strengths from 0 on");
  expect(options.jitter[3] <= 0.5, "jitter", "a hue strength of at most 0.5 turns");
  expect(options.rotationDegrees >= 0, "rotationDegrees", "degrees from 0 on");
  expect(options.blurKernel > 0 && options.blurKernel % 2 === 1, "blurKernel", "a positive odd number");
  checkBlurFits(options);
  checkColors(options);
}

/** Reflection at the border needs more pixels than half the kernel. */
function checkBlurFits({ blurKernel, blurProbability: [first, second, local], ...options }: ResolvedOptions): void {
  const { globalCropsSize, localCropsSize, localCropsNumber } = options;
  const smallest = Math.min(
    first + second > 0 ? globalCropsSize : Number.POSITIVE_INFINITY,
    local > 0 && localCropsNumber > 0 ? localCropsSize : Number.POSITIVE_INFINITY,
  );
  if (blurKernel < 2 * smallest) return;
  throw new ConfigError(
    `crops: a blur of ${blurKernel} pixels does not fit crops of ${smallest}. ` +
      "Lower blurKernel or set its blurProbability to 0.",
  );
}

function checkColors({ channels, jitter, jitterProbability, grayscaleProbability }: ResolvedOptions): void {
  if (channels === 1 || channels === 3) return;
  const colored = jitterProbability > 0 && jitter.some((x, i) => i > 0 && x > 0);
  if (!colored && grayscaleProbability === 0) return;
  throw new ConfigError(
    `crops: contrast, saturation, hue and grayscale are defined for 1 or 3 channels, not ${channels}. Set them to 0.`,
  );
}
