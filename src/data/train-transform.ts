import { ConfigError, ShapeError } from "../errors.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { normalizeImage, resizeImage } from "./augment.js";
import { drawJitter, drawWindow } from "./augment-parameters.js";
import type { RawImage } from "./dataset.js";
import { applyOperations } from "./image-operations.js";
import { ImageWorkspace } from "./image-workspace.js";
import { drawRandAugment, type ImageOperation, type RandAugmentPolicy } from "./rand-augment.js";
import { drawErasedWindow, eraseWindow } from "./random-erasing.js";

/** Keeps these draws apart from other uses of the seed: "tune" in ASCII. */
const STREAM = 0x74756e65;

/** How images are augmented for learning from labels. */
export interface TrainTransformOptions {
  /** Side of the result in pixels. */
  readonly size: number;
  readonly channels: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Least area of the crop as a share of the image, in (0, 1]. Default 0.08. */
  readonly leastArea?: number;
  /** Default 0.5. */
  readonly flipProbability?: number;
  /** Default none. */
  readonly randAugment?: RandAugmentPolicy | null;
  /** Strength of brightness, contrast and saturation; as in timm, not together with RandAugment. Default 0. */
  readonly jitter?: number;
  /** Probability that a rectangle is erased. Default 0. */
  readonly erasing?: number;
}

/** Names the random streams of the images of a batch. */
export interface BatchKey {
  readonly seed: number;
  /** Which look of each image this is (`lookAt` in order.ts). */
  readonly looks: ArrayLike<number>;
  /** Index of each image in its source. */
  readonly indices: ArrayLike<number>;
}

/**
 * Images as a network sees them while it learns from labels, in the order of timm: random resized crop, flip, RandAugment or
 * colour jitter, normalisation, random erasing.
 */
export class TrainTransform {
  private readonly options: Required<TrainTransformOptions>;
  private readonly workspace: ImageWorkspace;
  private readonly fill: readonly number[];

  /** @throws ConfigError for an option out of range */
  constructor(options: TrainTransformOptions) {
    const defaults = { leastArea: 0.08, flipProbability: 0.5, randAugment: null, jitter: 0, erasing: 0 };
    this.options = { ...defaults, ...options };
    checkOptions(this.options);
    this.workspace = new ImageWorkspace(options);
    this.fill = options.mean.map((value) => Math.max(0, Math.min(255, Math.round(255 * value))));
  }

  /** A persistent, uninitialised tensor for a batch of B images: f32 [B, channels, size, size]. */
  allocate(batch: number): Tensor {
    const { channels, size } = this.options;
    return persistent([batch, channels, size, size]);
  }

  /**
   * Writes a batch.
   *
   * @param images  B images
   * @param target  f32 [≥ B, channels, size, size]; rows past B keep what they hold
   * @throws ShapeError if the target does not fit; DataError if an image has other channels
   */
  write(images: readonly RawImage[], { seed, looks, indices }: BatchKey, target: Tensor): void {
    const { channels, size } = this.options;
    const [rows, ...rest] = target.shape;
    if (!(rows >= images.length) || formatShape(rest) !== formatShape([channels, size, size]) || !target.contiguous) {
      throw new ShapeError(
        `train transform: target is ${target.describe()}, expected a dense f32 ${formatShape([images.length, channels, size, size])} or longer.`,
      );
    }
    const stride = channels * size * size * sizeOf.f32;
    images.forEach((image, i) => {
      this.writeImage(image, new Rng(seed, STREAM, looks[i], indices[i]), target.ptr + i * stride);
    });
  }

  private writeImage(image: RawImage, rng: Rng, target: number): void {
    const { workspace } = this;
    const { size, channels, leastArea, flipProbability, erasing } = this.options;
    workspace.load(image);
    const square = { height: size, width: size };
    const window = drawWindow(rng, image, [leastArea, 1]);
    const flip = rng.chance(flipProbability);
    const view = resizeImage(workspace, { source: workspace.source, window, size: square, flip });
    applyOperations(workspace, view, this.drawOperations(rng), this.fill);
    normalizeImage(workspace, view, target);
    const erased = drawErasedWindow(rng, square, erasing);
    if (erased) eraseWindow(rng, target, { ...square, channels }, erased);
  }

  private drawOperations(rng: Rng): readonly ImageOperation[] {
    const { randAugment, jitter } = this.options;
    return randAugment ? drawRandAugment(rng, randAugment) : drawJitter(rng, [jitter, jitter, jitter, 0]);
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }
}

function checkOptions(options: Required<TrainTransformOptions>): void {
  const expect = (ok: boolean, key: keyof TrainTransformOptions, what: string) => {
    if (!ok) throw new ConfigError(`train transform: ${key} is ${JSON.stringify(options[key])}; expected ${what}.`);
  };
  const { size, leastArea, flipProbability, jitter, erasing } = options;
  expect(Number.isInteger(size) && size > 0, "size", "a positive whole number");
  expect(leastArea > 0 && leastArea <= 1, "leastArea", "a share above 0, at most 1");
  expect(flipProbability >= 0 && flipProbability <= 1, "flipProbability", "a probability");
  expect(jitter >= 0, "jitter", "a strength from 0 on");
  expect(erasing >= 0 && erasing <= 1, "erasing", "a probability");
}
