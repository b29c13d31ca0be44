import type { Pixels } from "./warp.js";

/** The middle of a smoothing window counts so often as each of its eight neighbours. */
const CENTRE = 5;
const TOTAL = 13;

/**
 * Pillow's ImageEnhance.Sharpness on 8-bit images: m + f·(s − m) in single precision, cut to an integer and clipped, where m is
 * the mean over 3×3 pixels in which the middle one counts five times. Pixels of the border stay as they are.
 *
 * @param source  image
 * @param factor  0 smooths, 1 changes nothing, more sharpens
 * @param target  [height, width, channels], apart from the source
 */
export function sharpen({ bytes, height, width, channels }: Pixels, factor: number, target: Uint8Array): void {
  target.set(bytes.subarray(0, height * width * channels));
  const f = Math.fround(factor);
  const below = width * channels;
  for (let row = 1; row < height - 1; row++) {
    const stop = (row + 1) * below - channels;
    for (let i = row * below + channels; i < stop; i++) {
      let sum = (CENTRE - 1) * bytes[i];
      for (let line = i - below; line <= i + below; line += below)
        sum += bytes[line - channels] + bytes[line] + bytes[line + channels];
      const mean = Math.floor(sum / TOTAL + 0.5);
      const value = Math.fround(mean + Math.fround(f * (bytes[i] - mean)));
      target[i] = Math.max(0, Math.min(255, Math.trunc(value)));
    }
  }
}
