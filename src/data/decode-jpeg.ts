import { DataError } from "../errors.js";
import type { RawImage } from "./dataset.js";
import { turnUpright } from "./exif.js";
import { readJpegHeader } from "./jpeg-header.js";
import { decodeJpegTurbo, JpegCorrupt } from "./jpeg-turbo.js";

/**
 * Decodes a JPEG file: grey to 1 channel, all else to RGB, turned upright by its EXIF orientation.
 *
 * @param bytes  the whole file
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height, checked before anything is decoded
 * @throws DataError as `readJpegHeader`, and if the compressed data is damaged
 */
export function decodeJpeg(bytes: Uint8Array, label: string, maxPixels: number): RawImage {
  const { width, height, components, orientation } = readJpegHeader(bytes, label, maxPixels);
  let data: Uint8Array;
  try {
    data = decodeJpegTurbo(bytes, width, height, components);
  } catch (error) {
    if (!(error instanceof JpegCorrupt)) throw error;
    throw new DataError(`${label}: is a JPEG file, but ${error.message}. Copy or download it again.`, { cause: error });
  }
  const image = components === 4 ? fromCmyk(data, width, height) : { width, height, channels: components, data };
  return turnUpright(image, orientation);
}

/**
 * R = C·K / 255 and so on. Four-component JPEG files hold inverted ink amounts (255 = no ink), the convention of Adobe's programs,
 * which Pillow assumes for all of them too.
 */
function fromCmyk(cmyk: Uint8Array, width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    const white = cmyk[from + 3];
    data[to++] = Math.round((cmyk[from] * white) / 255);
    data[to++] = Math.round((cmyk[from + 1] * white) / 255);
    data[to++] = Math.round((cmyk[from + 2] * white) / 255);
  }
  return { width, height, channels: 3, data };
}
