import type { AugmentParameters, ColorStep, Window } from "../../src/data/augment-parameters.js";
import type { RawImage } from "../../src/data/dataset.js";

// A crop as one writes it in plain TypeScript: one loop per operation over 8-bit RGB, results rounded to bytes in between as
// Pillow does, nothing computed twice. What src/data/augment.ts with its kernels is compared with.

/** RGB, rows dense. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/**
 * Crops, resizes, augments and normalises.
 *
 * @param image  RGB
 * @param parameters  what to do; turns are not known here
 * @param side  of the crop in pixels
 * @returns f32 [3, side, side]
 */
export function plainCrop(
  image: RawImage,
  { rotation, window, flip, jitter, grayscale, blur, solarize }: AugmentParameters,
  side: number,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Float32Array {
  if (rotation !== 0 || image.channels !== 3) throw new Error("plain crop: only upright RGB images.");
  let pixels = resized(image, window, side);
  if (flip) mirror(pixels);
  for (const step of jitter) colour(pixels, step);
  if (grayscale) grey(pixels);
  if (blur) pixels = blurred(pixels, gaussian(blur.kernel, blur.sigma));
  if (solarize) invertBright(pixels);
  return normalized(pixels, mean, std);
}

/** Which pixels make up each one of the result, and with which weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float64Array;
  /** Weights from one pixel of the result to the next. */
  readonly stride: number;
}

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

function tapsOf(input: number, output: number): Taps {
  const scale = input / output;
  const stretch = Math.max(1, scale);
  const stride = 2 * Math.ceil(2 * stretch) + 1;
  const [first, count] = [new Int32Array(output), new Int32Array(output)];
  const weights = new Float64Array(output * stride);
  for (let i = 0; i < output; i++) {
    const centre = (i + 0.5) * scale;
    first[i] = Math.max(0, Math.floor(centre - 2 * stretch + 0.5));
    count[i] = Math.min(input, Math.floor(centre + 2 * stretch + 0.5)) - first[i];
    let sum = 0;
    for (let t = 0; t < count[i]; t++) sum += weights[i * stride + t] = cubic((first[i] + t + 0.5 - centre) / stretch);
    for (let t = 0; t < count[i]; t++) weights[i * stride + t] /= sum;
  }
  return { first, count, weights, stride };
}

function resized(image: RawImage, { top, left, height, width }: Window, side: number): Pixels {
  const [across, down] = [tapsOf(width, side), tapsOf(height, side)];
  const firstRow = down.first[0];
  const rows = down.first[side - 1] + down.count[side - 1] - firstRow;
  const narrow = new Uint8ClampedArray(rows * side * 3);
  for (let row = 0; row < rows; row++) {
    const source = ((top + firstRow + row) * image.width + left) * 3;
    for (let x = 0; x < side; x++) {
      let [r, g, b] = [0, 0, 0];
      let at = source + 3 * across.first[x];
      const begin = x * across.stride;
      for (let w = begin; w < begin + across.count[x]; w++, at += 3) {
        const weight = across.weights[w];
        r += weight * image.data[at];
        g += weight * image.data[at + 1];
        b += weight * image.data[at + 2];
      }
      const to = (row * side + x) * 3;
      narrow[to] = r;
      narrow[to + 1] = g;
      narrow[to + 2] = b;
    }
  }
  const data = new Uint8ClampedArray(side * side * 3);
  const line = side * 3;
  for (let y = 0; y < side; y++) {
    const source = (down.first[y] - firstRow) * line;
    const begin = y * down.stride;
    for (let i = 0; i < line; i++) {
      let sum = 0;
      let at = source + i;
      for (let w = begin; w < begin + down.count[y]; w++, at += line) sum += down.weights[w] * narrow[at];
      data[y * line + i] = sum;
    }
  }
  return { width: side, height: side, data };
}

function mirror({ width, height, data }: Pixels): void {
  for (let y = 0; y < height; y++) {
    for (let a = y * width * 3, b = a + (width - 1) * 3; a < b; a += 3, b -= 3) {
      for (let c = 0; c < 3; c++) {
        const kept = data[a + c];
        data[a + c] = data[b + c];
        data[b + c] = kept;
      }
    }
  }
}

const luma = (data: Uint8ClampedArray, i: number) =>
  Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);

function colour({ data }: Pixels, { op, amount }: ColorStep): void {
  if (op === "brightness") {
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(amount * data[i]);
  } else if (op === "contrast") {
    let sum = 0;
    for (let i = 0; i < data.length; i += 3) sum += luma(data, i);
    const middle = Math.floor((3 * sum) / data.length + 0.5);
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(middle + amount * (data[i] - middle));
  } else if (op === "saturation") {
    for (let i = 0; i < data.length; i += 3) {
      const middle = luma(data, i);
      for (let c = 0; c < 3; c++) data[i + c] = Math.floor(middle + amount * (data[i + c] - middle));
    }
  } else shiftHue(data, amount);
}

/** Through hue, saturation and value. */
function shiftHue(data: Uint8ClampedArray, turns: number): void {
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i];
    const g = data[i + 1];
    const b = data[i + 2];
    const high = Math.max(r, g, b);
    const low = Math.min(r, g, b);
    const range = high - low;
    if (range === 0) continue;
    const sector = high === r ? (g - b) / range : high === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const hue = (((sector / 6 + turns) % 1) + 1) % 1;
    const whole = Math.floor(6 * hue);
    const part = 6 * hue - whole;
    const falling = high - range * part;
    const rising = low + range * part;
    const middle = whole % 2 === 0 ? rising : falling;
    // Of six sectors each channel is highest in two and lowest in two.
    const first = Math.floor(((whole + 1) % 6) / 2);
    const last = Math.floor(((whole + 4) % 6) / 2);
    data[i + first] = high;
    data[i + last] = low;
    data[i + 3 - first - last] = middle;
  }
}

function grey({ data }: Pixels): void {
  for (let i = 0; i < data.length; i += 3) data[i] = data[i + 1] = data[i + 2] = luma(data, i);
}

function gaussian(taps: number, sigma: number): Float64Array {
  const radius = (taps - 1) / 2;
  const weights = Float64Array.from({ length: taps }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

const reflected = (i: number, n: number) => (i < 0 ? -i : i < n ? i : 2 * n - 2 - i);

/** Rows first, then columns, mirrored at the border. */
function blurred({ width, height, data }: Pixels, weights: Float64Array): Pixels {
  const radius = (weights.length - 1) / 2;
  const rows = new Float64Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [r, g, b] = [0, 0, 0];
      for (let t = 0; t < weights.length; t++) {
        const at = (y * width + reflected(x + t - radius, width)) * 3;
        r += weights[t] * data[at];
        g += weights[t] * data[at + 1];
        b += weights[t] * data[at + 2];
      }
      const to = (y * width + x) * 3;
      rows[to] = r;
      rows[to + 1] = g;
      rows[to + 2] = b;
    }
  }
  const result = new Uint8ClampedArray(data.length);
  const line = width * 3;
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < line; i++) {
      let sum = 0;
      for (let t = 0; t < weights.length; t++) sum += weights[t] * rows[reflected(y + t - radius, height) * line + i];
      result[y * line + i] = sum;
    }
  }
  return { width, height, data: result };
}

function invertBright({ data }: Pixels): void {
  for (let i = 0; i < data.length; i++) if (data[i] >= 128) data[i] = 255 - data[i];
}

function normalized({ width, height, data }: Pixels, mean: readonly number[], std: readonly number[]): Float32Array {
  const plane = width * height;
  const result = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    const [scale, shift] = [1 / (255 * std[c]), mean[c] / std[c]];
    for (let i = 0; i < plane; i++) result[c * plane + i] = data[3 * i + c] * scale - shift;
  }
  return result;
}
