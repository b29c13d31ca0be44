import { ConfigError } from "../errors.js";

/** Interpolation of image resizing. Both widen when an image shrinks, so that no pixel is skipped (antialiasing). */
export type ResampleFilter = "bicubic" | "bilinear";

/** Fractional bits of the integer weights: 32 minus 8 of a pixel minus 2 of headroom for weights beyond 0…1. */
const WEIGHT_BITS = 22;

/** Which input pixels make up each output pixel of one axis, and with which weights. */
export interface ResampleTable {
  /** Row stride of `weights`: the most input pixels that any output pixel takes. */
  readonly taps: number;
  /** First input pixel and number of input pixels, [size, 2]. */
  readonly bounds: Int32Array;
  /** Weights times 2^22, rounded, [size, taps]; entries past the number of input pixels are 0. */
  readonly weights: Int32Array;
}

/** Keys' cubic kernel with a = −½, which vanishes from 2 on. */
function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** The triangle, which vanishes from 1 on. */
function bilinear(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

const kernelOf = {
  bicubic: { kernel: bicubic, support: 2 },
  bilinear: { kernel: bilinear, support: 1 },
} as const;

/**
 * Resampling of one axis as Pillow does it on 8-bit images: output pixel i is centred at (i + ½)·s, s = input / output;
 * the kernel is stretched by max(s, 1), sampled at pixel centres, cut at the border and normalised to sum 1.
 *
 * @param input  pixels before, > 0
 * @param output  pixels after, > 0
 * @param flip  output in reverse order: resizing and mirroring in one
 * @throws ConfigError for a size that is not a positive whole number
 */
export function resampleTable(
  input: number,
  output: number,
  { filter = "bicubic" as ResampleFilter, flip = false } = {},
): ResampleTable {
  if (!(Number.isInteger(input) && Number.isInteger(output) && input > 0 && output > 0)) {
    throw new ConfigError(
      `resample: cannot make ${output} pixels of ${input}. Both sizes must be positive whole numbers.`,
    );
  }
  const { kernel, support } = kernelOf[filter];
  const scale = input / output;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const taps = 2 * Math.ceil(reach) + 1;
  const bounds = new Int32Array(2 * output);
  const weights = new Int32Array(output * taps);
  const samples = new Float64Array(taps);
  for (let i = 0; i < output; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(input, Math.trunc(centre + reach + 0.5)) - first;
    let sum = 0;
    for (let t = 0; t < count; t++) {
      samples[t] = kernel((first + t - centre + 0.5) * (1 / stretch));
      sum += samples[t];
    }
    const row = flip ? output - 1 - i : i;
    bounds[2 * row] = first;
    bounds[2 * row + 1] = count;
    for (let t = 0; t < count; t++) weights[row * taps + t] = fixedPoint(samples[t] / sum);
  }
  return { taps, bounds, weights };
}

/** Rounded to the nearest, halves away from zero. */
function fixedPoint(weight: number): number {
  const scaled = weight * (1 << WEIGHT_BITS);
  return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}
