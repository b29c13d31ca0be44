import { openPng, type PngChunk, pngSamples, refusalOf } from "./decode-png.js";

/** What a mask says of each pixel. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** [height, width], row by row: class or instance numbers as they are stored. */
  readonly data: Uint16Array;
}

const PALETTE = 3;
const RGB = 2;

/** Red, green and blue of entry i are i, so that what a palette makes of a pixel is its number. */
const identity: PngChunk = { type: "PLTE", body: Uint8Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3)) };

/**
 * Decodes a PNG file whose pixels are numbers of classes or instances: grey of 1 to 16 bits, or a palette, whose colours are
 * passed over. Numbers come as they are stored, nothing is spread or turned.
 *
 * @param bytes  the whole file, starting with the PNG signature
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height
 * @throws DataError for a damaged file, a size above the limit, or an image in colours
 */
export function decodeLabelPng(bytes: Uint8Array, label: string, maxPixels: number): LabelMap {
  const refuse = refusalOf(label);
  const png = openPng(bytes, maxPixels, refuse);
  const { width, height, colorType, depth } = png.header;
  if (colorType !== PALETTE && colorType & RGB) {
    refuse("the mask is in colours (RGB), expected a grey or palette PNG whose values are class numbers. Convert it.");
  }
  const palette = colorType === PALETTE ? [{ ...identity, body: identity.body.subarray(0, 3 * 2 ** depth) }] : [];
  const samples = pngSamples(png, palette, { raw: true, refuse });
  return { width, height, data: Uint16Array.from({ length: width * height }, (_, i) => samples[4 * i]) };
}
