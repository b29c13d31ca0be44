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
  const data = new Uint8Array(width * height * channels);
  if (image.channels === 1 && channels === 3) {
    for (let i = 0, to = 0; i < source.length; i++) {
      data[to++] = source[i];
      data[to++] = source[i];
      data[to++] = source[i];
    }
  } else if (image.channels === 3 && channels === 1) {
    for (let i = 0, from = 0; i < data.length; i++, from += 3) {
      data[i] = (source[from] * 19595 + source[from + 1] * 38470 + source[from + 2] * 7471 + 0x8000) >> 16;
    }
  } else {
    throw new DataError(`toChannels: cannot make ${channels} channels of ${image.channels}. Images here have 1 or 3.`);
  }
  return { width, height, channels, data };
}
