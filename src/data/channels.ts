import { DataError } from "../errors.js";
import type { RawImage } from "./dataset.js";

/**
 * An image with the wanted number of channels: grey is repeated into red, green and blue; colour becomes luma,
 * L = (19595 R + 38470 G + 7471 B + 2¹⁵) >> 16 (ITU-R 601-2 in 16-bit fixed point, as Pillow's convert("L")).
 *
 * @param image  1 or 3 channels
 * @param channels  1 or 3
 * @returns `image` itself if it has them already
 * @throws DataError for any other number of channels
 */
export function toChannels(image: RawImage, channels: 1 | 3): RawImage {
  if (image.channels === channels) return image;
  const { width, height, data: source } = image;
  if (!((image.channels === 1 && channels === 3) || (image.channels === 3 && channels === 1)))
    throw new DataError(`toChannels: cannot make ${channels} channels of ${image.channels}. Images here have 1 or 3.`);
  const data = new Uint8Array(width * height * channels);
  if (channels === 3) spreadGrey(source, data);
  else takeLuma(source, image.channels, data);
  return { width, height, channels, data };
}

/** Writes grey as RGB: `rgb` is three times as long. */
export function spreadGrey(grey: ArrayLike<number>, rgb: Uint8Array): void {
  for (let i = 0, to = 0; to < rgb.length; i++) {
    rgb[to++] = grey[i];
    rgb[to++] = grey[i];
    rgb[to++] = grey[i];
  }
}

/** Writes the luma of pixels of `step` numbers, of which the first three are red, green and blue. */
export function takeLuma(pixels: ArrayLike<number>, step: number, luma: Uint8Array): void {
  for (let i = 0, from = 0; i < luma.length; i++, from += step) {
    luma[i] = (pixels[from] * 19595 + pixels[from + 1] * 38470 + pixels[from + 2] * 7471 + 0x8000) >> 16;
  }
}
