import { ShapeError } from "../errors.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { applyAugmentation } from "./augment.js";
import { type AugmentParameters, type AugmentPolicy, drawAugmentation, type Size } from "./augment-parameters.js";
import type { RawImage } from "./dataset.js";
import { ImageWorkspace } from "./image-workspace.js";

/** Keeps these crops apart from other uses of a seed: "crop" in ASCII. */
const STREAM = 0x63726f70;

export interface CropAndFlipOptions {
  /** Side of the crops in pixels. */
  readonly size: number;
  readonly channels: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Area of a crop as a share of the image. Default [0.08, 1]. */
  readonly scale?: readonly [number, number];
  /** Default 0.5. */
  readonly flipProbability?: number;
}

/** Names the draws of a batch: a crop depends on seed, pass and the number of its image, and on nothing else. */
export interface CropKey {
  readonly seed: number;
  /** Pass over the data. */
  readonly pass: number;
  /** Index of each image in its source. */
  readonly samples: ArrayLike<number>;
}

/** Images as a classifier sees them in training: a random part of each, resized and mirrored by chance (spec §7.2). */
export class CropAndFlip {
  private readonly policy: AugmentPolicy;
  private readonly workspace: ImageWorkspace;

  /** @throws ConfigError if mean or std do not fit the channels */
  constructor({ size, scale = [0.08, 1], flipProbability = 0.5, ...images }: CropAndFlipOptions) {
    this.policy = { size, scale, flipProbability, ...NOTHING_ELSE };
    this.workspace = new ImageWorkspace(images);
  }

  /** A persistent, uninitialised tensor for a batch of B images: f32 [B, channels, size, size]. */
  allocate(batch: number): Tensor {
    const { size } = this.policy;
    return persistent([batch, this.workspace.channels, size, size]);
  }

  /** What happens to one image. */
  parameters(image: Size, { seed, pass, sample }: { seed: number; pass: number; sample: number }): AugmentParameters {
    return drawAugmentation(new Rng(seed, STREAM, pass, sample), image, this.policy);
  }

  /**
   * Writes a batch.
   *
   * @param images  B images
   * @param target  f32 [B, channels, size, size]
   * @throws ShapeError if the target does not fit
   * @throws DataError if an image has other channels
   */
  write(images: readonly RawImage[], { seed, pass, samples }: CropKey, target: Tensor): void {
    const { size } = this.policy;
    const expected = [images.length, this.workspace.channels, size, size];
    if (formatShape(target.shape) !== formatShape(expected) || target.dtype !== "f32" || !target.contiguous) {
      throw new ShapeError(
        `crop and flip: target is ${target.describe()}, expected a dense f32 ${formatShape(expected)}.`,
      );
    }
    const stride = this.workspace.channels * size * size * sizeOf.f32;
    images.forEach((image, i) => {
      this.workspace.load(image);
      const parameters = this.parameters(image, { seed, pass, sample: samples[i] });
      applyAugmentation(this.workspace, parameters, { height: size, width: size }, target.ptr + i * stride);
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }
}

const NOTHING_ELSE = {
  jitter: [0, 0, 0, 0],
  jitterProbability: 0,
  grayscaleProbability: 0,
  blurProbability: 0,
  blurKernel: 1,
  blurSigma: [1, 1],
  solarizeProbability: 0,
  rotationDegrees: 0,
} as const satisfies Partial<AugmentPolicy>;
