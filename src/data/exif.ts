import type { RawImage } from "./dataset.js";

const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * The orientation (tag 0x0112) in the first directory of a TIFF block, as EXIF stores it.
 *
 * @param tiff  the block from its byte-order mark on
 * @returns 1 to 8; 1 (upright) when the tag is absent or the block malformed, as such a picture is shown unturned everywhere
 */
export function exifOrientation(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return 1;
  const little = mark === 0x4949;
  const directory = view.getUint32(4, little);
  if (view.getUint16(2, little) !== 42 || directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.length) return 1;
    if (view.getUint16(entry, little) !== ORIENTATION) continue;
    const value = view.getUint16(entry + 2, little) === SHORT ? view.getUint16(entry + 8, little) : 1;
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * Turns a stored image upright.
 *
 * @param image  as stored
 * @param orientation  EXIF orientation: where the stored first row and first column belong, 1 to 8 (Exif 2.3, tag 0x0112)
 * @returns `image` itself for orientation 1, else a new one; width and height change places for 5 to 8
 */
export function turnUpright(image: RawImage, orientation: number): RawImage {
  if (orientation === 1) return image;
  const { width: w, height: h, channels, data } = image;
  const swapped = orientation >= 5;
  const mirrorX = [2, 3, 7, 8].includes(orientation); // the upright image walks the stored columns backwards
  const mirrorY = [3, 4, 6, 7].includes(orientation);
  const stepX = (mirrorX ? -1 : 1) * channels; // from one stored column to the next
  const stepY = (mirrorY ? -1 : 1) * channels * w;
  const start = ((mirrorX ? w - 1 : 0) + (mirrorY ? h - 1 : 0) * w) * channels;
  const [width, height] = swapped ? [h, w] : [w, h];
  const [across, down] = swapped ? [stepY, stepX] : [stepX, stepY];
  const turned = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = start + y * down;
    for (let x = 0; x < width; x++, from += across) {
      for (let c = 0; c < channels; c++) turned[to++] = data[from + c];
    }
  }
  return { width, height, channels, data: turned };
}
