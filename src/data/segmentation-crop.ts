import { ConfigError, ShapeError } from "../errors.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import type { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { applyColor, normalizeImage } from "./augment.js";
import type { ColorStep, Size, Window } from "./augment-parameters.js";
import { ImageWorkspace } from "./image-workspace.js";
import type { LabelledImage } from "./labelled-image.js";
import { IGNORED } from "./mask-meaning.js";
import { nearestLabels, paddedWindow, withShortSide } from "./padded-window.js";

/** How training crops are cut from images with labels. */
export interface SegmentationCropOptions {
  /** Short side in pixels that images are brought to before a random ratio. */
  readonly size: number;
  /** Side of the square crops in pixels. */
  readonly crop: number;
  readonly channels: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Range of the ratio. Default [0.5, 2]. */
  readonly ratio?: readonly [number, number];
  /** Of a mirror image. Default 0.5. */
  readonly flipProbability?: number;
  /** Whether colours are distorted. Default true. */
  readonly distortion?: boolean;
}

/** A crop is drawn anew while one class has more than this share of it, up to so many times. */
const MOST_OF_ONE_CLASS = 0.75;
const CROP_ATTEMPTS = 10;

/** The strengths of the photometric distortion (spec §7.6), each applied with probability ½: factors 1 ± strength, hue in turns. */
const DISTORTIONS: readonly { op: ColorStep["op"]; strength: number }[] = [
  { op: "brightness", strength: 32 / 255 },
  { op: "contrast", strength: 0.5 },
  { op: "saturation", strength: 0.5 },
  { op: "hue", strength: 18 / 360 },
];

/** Crops of a batch and the labels of their pixels. */
export interface CropBatch {
  /** f32 [B, channels, crop, crop] */
  readonly images: Tensor;
  /** [B · crop · crop], classes and 255 */
  readonly labels: Int32Array;
}

/** Cuts training crops: resized by a random ratio, cut, mirrored and distorted in colour, image and labels alike (spec §7.6). */
export class SegmentationCrop {
  readonly options: Required<SegmentationCropOptions>;
  private readonly workspace: ImageWorkspace;
  private readonly drawn: Uint8Array;

  /** @throws ConfigError for sizes that are no positive whole numbers, or a range of ratios that is empty */
  constructor(options: SegmentationCropOptions) {
    this.options = { ratio: [0.5, 2], flipProbability: 0.5, distortion: true, ...options };
    const { size, crop, ratio } = this.options;
    if (![size, crop].every((n) => Number.isInteger(n) && n > 0))
      throw new ConfigError(`segmentation crop: size ${size} and crop ${crop}, expected positive whole numbers.`);
    if (!(ratio[0] > 0 && ratio[0] <= ratio[1]))
      throw new ConfigError(`segmentation crop: the ratio is drawn from ${ratio.join(" to ")}, which is no range.`);
    this.workspace = new ImageWorkspace(options);
    this.drawn = new Uint8Array(crop * crop);
  }

  /** Room for a batch, in persistent memory. */
  allocate(batch: number): CropBatch {
    const { channels, crop } = this.options;
    return { images: persistent([batch, channels, crop, crop]), labels: new Int32Array(batch * crop * crop) };
  }

  /**
   * Writes one crop of each image.
   *
   * @param rngs  a stream for each image
   * @param target  room for as many
   * @throws ShapeError if the target is for another number; DataError if an image has other channels
   */
  write(images: readonly LabelledImage[], rngs: readonly Rng[], target: CropBatch): void {
    const { channels, crop } = this.options;
    const expected = [images.length, channels, crop, crop];
    if (formatShape(target.images.shape) !== formatShape(expected)) {
      throw new ShapeError(
        `segmentation crop: target is ${formatShape(target.images.shape)}, expected ${formatShape(expected)}.`,
      );
    }
    const cells = crop * crop;
    images.forEach((image, i) => {
      const ptr = target.images.ptr + i * channels * cells * sizeOf.f32;
      this.one(image, rngs[i], { ptr, labels: target.labels.subarray(i * cells, (i + 1) * cells) });
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }

  private one({ image, labels }: LabelledImage, rng: Rng, target: { ptr: number; labels: Int32Array }): void {
    const { size, crop, ratio, flipProbability, distortion } = this.options;
    const scaled = withShortSide(image, Math.max(1, Math.round(size * rng.uniform(ratio[0], ratio[1]))));
    const flip = rng.chance(flipProbability);
    const window = this.drawWindow({ image, labels }, rng, { scaled, flip });
    target.labels.set(this.drawn);
    this.workspace.load(image);
    const view = paddedWindow(this.workspace, { scaled, window, side: crop, flip });
    for (const step of distortion ? drawDistortion(rng) : []) applyColor(this.workspace, step, view);
    normalizeImage(this.workspace, view, target.ptr);
  }

  /** A window of the resized image; its labels are in `drawn`. */
  private drawWindow(
    { image, labels }: LabelledImage,
    rng: Rng,
    { scaled, flip }: { scaled: Size; flip: boolean },
  ): Window {
    const { crop } = this.options;
    const [height, width] = [Math.min(crop, scaled.height), Math.min(crop, scaled.width)];
    let window: Window;
    let attempt = 0;
    do {
      const top = rng.integer(0, scaled.height - height);
      window = { top, left: rng.integer(0, scaled.width - width), height, width };
      nearestLabels(labels, image, { scaled, window, side: crop, flip }, this.drawn);
    } while (++attempt < CROP_ATTEMPTS && shareOfOneClass(this.drawn) >= MOST_OF_ONE_CLASS);
    return window;
  }
}

/** The largest share that one class has of the pixels that count; 0 where none does. */
function shareOfOneClass(labels: Uint8Array): number {
  const counts = new Int32Array(256);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const counted = labels.length - counts[IGNORED];
  counts[IGNORED] = 0;
  return counted === 0 ? 0 : Math.max(...counts) / counted;
}

function drawDistortion(rng: Rng): ColorStep[] {
  return DISTORTIONS.filter(() => rng.chance(0.5)).map(({ op, strength }) => {
    const neutral = op === "hue" ? 0 : 1;
    return { op, amount: rng.uniform(neutral - strength, neutral + strength) };
  });
}
