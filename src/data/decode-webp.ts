import { DataError } from "../errors.js";
import type { RawImage } from "./dataset.js";
import type { AlphaRule } from "./decode-png.js";
import { turnUpright } from "./exif.js";
import { decodeWebpRgba, WebpCorrupt } from "./webp-codec.js";
import { readWebpHeader, type WebpHeader } from "./webp-header.js";

/**
 * Decodes a WebP file to RGB: lossy or lossless, with or without transparency; of an animation the first picture, on a canvas that is
 * transparent (stored as black) around it; turned upright by its EXIF orientation.
 *
 * @param bytes  the whole file
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height, checked before anything is decoded
 * @param alpha  what becomes of transparency
 * @throws DataError as `readWebpHeader`, and if the compressed data is damaged
 */
export function decodeWebp(bytes: Uint8Array, label: string, maxPixels: number, alpha: AlphaRule): RawImage {
  const header = readWebpHeader(bytes, label, maxPixels);
  const { frame, orientation } = header;
  let rgba: Uint8Array;
  try {
    rgba = decodeWebpRgba(frame.file, frame.width, frame.height);
  } catch (error) {
    if (!(error instanceof WebpCorrupt)) throw error;
    throw new DataError(`${label}: is a WebP file, but ${error.message}. Copy or download it again.`, { cause: error });
  }
  return turnUpright(toCanvas(rgba, header, alpha), orientation);
}

function toCanvas(rgba: Uint8Array, { width, height, frame }: WebpHeader, alpha: AlphaRule): RawImage {
  const data = new Uint8Array(width * height * 3);
  if (alpha === "white") data.fill(255);
  let from = 0;
  for (let y = 0; y < frame.height; y++) {
    let to = ((frame.y + y) * width + frame.x) * 3;
    for (let x = 0; x < frame.width; x++, from += 4) {
      const opacity = alpha === "drop" ? 255 : rgba[from + 3];
      for (let c = 0; c < 3; c++) {
        const sample = rgba[from + c];
        data[to++] = opacity === 255 ? sample : Math.round((sample * opacity + 255 * (255 - opacity)) / 255);
      }
    }
  }
  return { width, height, channels: 3, data };
}
