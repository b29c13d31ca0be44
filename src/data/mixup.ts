import { ShapeError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { drawBeta } from "../tensor/beta.js";
import { sizeOf } from "../tensor/dtype.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Size, Window } from "./augment-parameters.js";

/** How images of a batch are mixed in pairs. */
export interface MixPolicy {
  /** Parameter of the Beta distribution for mixup (Zhang et al., 2018); 0 turns it off. */
  readonly mixup: number;
  /** The same for CutMix (Yun et al., 2019). */
  readonly cutmix: number;
}

/** Where both are on, each is taken for half of the batches. */
const SWITCH_PROBABILITY = 0.5;

/** What was drawn for a batch: image i is mixed with image B − 1 − i. */
export interface Mix {
  /** Share of the image itself. */
  readonly lambda: number;
  /** The part that the other image covers; null where all pixels are mixed. */
  readonly window: Window | null;
}

/** Nothing is mixed. */
const WHOLE: Mix = { lambda: 1, window: null };

/** Draws the mix of a batch, by timm's rules: one share for all of it, corrected to the pixels that are covered. */
export function drawMix(rng: Rng, { mixup, cutmix }: MixPolicy, size: Size): Mix {
  if (mixup <= 0 && cutmix <= 0) return WHOLE;
  const covers = cutmix > 0 && (mixup <= 0 || rng.chance(SWITCH_PROBABILITY));
  if (!covers) return { lambda: drawBeta(rng, mixup, mixup), window: null };
  const window = coveredWindow(drawBeta(rng, cutmix, cutmix), size, {
    row: rng.integer(0, size.height - 1),
    column: rng.integer(0, size.width - 1),
  });
  return { lambda: 1 - (window.height * window.width) / (size.height * size.width), window };
}

/** A rectangle of the image's aspect that covers 1 − lambda of it, about a centre, cut at the border. */
export function coveredWindow(
  lambda: number,
  { height, width }: Size,
  centre: { row: number; column: number },
): Window {
  const side = Math.sqrt(1 - lambda);
  const along = (extent: number, at: number): [number, number] => {
    const half = Math.floor(Math.trunc(extent * side) / 2);
    return [Math.max(0, at - half), Math.min(extent, at + half)];
  };
  const [top, bottom] = along(height, centre.row);
  const [left, right] = along(width, centre.column);
  return { top, left, height: bottom - top, width: right - left };
}

/**
 * Mixes each image of a batch with its opposite, in place.
 *
 * @param images  dense f32 [B, C, H, W]
 */
export function mixImages(images: Tensor, { lambda, window }: Mix): void {
  if (lambda === 1) return;
  const [batch, channels, height, width] = images.shape;
  if (images.shape.length !== 4 || !images.contiguous)
    throw new ShapeError(`mixup: images are ${images.describe()}, expected a dense [B, C, H, W].`);
  const { f32 } = runtime().heap;
  const stride = channels * height * width;
  const start = images.ptr / sizeOf.f32;
  const whole = { top: 0, left: 0, height, width };
  const { top, left, ...part } = window ?? whole;
  const share = window ? 0 : lambda; // under the window nothing of the image itself is left
  for (let i = 0, j = batch - 1; i <= j; i++, j--) {
    for (let line = 0; line < channels * part.height; line++) {
      const row = Math.floor(line / part.height) * height + top + (line % part.height);
      const at = row * width + left;
      blend(f32, { a: start + i * stride + at, b: start + j * stride + at, count: part.width }, share);
    }
  }
}

/** Two runs become a·share + b·(1 − share) and b·share + a·(1 − share). */
function blend(
  f32: Float32Array | Float64Array,
  { a, b, count }: { a: number; b: number; count: number },
  share: number,
): void {
  for (let i = 0; i < count; i++) {
    const [x, y] = [f32[a + i], f32[b + i]];
    f32[a + i] = x * share + y * (1 - share);
    f32[b + i] = y * share + x * (1 - share);
  }
}

/**
 * Targets of a mixed batch: the two labels of an image by their shares, smoothed (Szegedy et al., 2016).
 *
 * @param labels  class of each image
 * @param smoothing  share that is spread over all classes
 * @returns [B, classes] in row-major order; each row sums to 1
 */
export function mixTargets(
  labels: Int32Array,
  { lambda }: Mix,
  { classes, smoothing }: { classes: number; smoothing: number },
): Float32Array {
  const off = smoothing / classes;
  const targets = new Float32Array(labels.length * classes).fill(off);
  labels.forEach((label, i) => {
    const other = labels[labels.length - 1 - i];
    targets[i * classes + label] += (1 - smoothing) * lambda;
    targets[i * classes + other] += (1 - smoothing) * (1 - lambda);
  });
  return targets;
}
