import { PNG } from "pngjs";
import type { RawImage } from "./dataset.js";

/** PNG's number for grey and for RGB. */
const colorTypes = { 1: 0, 3: 2 } as const;

/**
 * An image as a PNG file, without loss: grey for 1 channel, RGB for 3.
 *
 * @returns the bytes of the file
 */
export function encodePng({ width, height, channels, data }: RawImage): Uint8Array {
  const colorType = colorTypes[channels as 1 | 3];
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  // The default strategy of zlib, since pngjs's suits drawings and makes photographs twice as large.
  return PNG.sync.write(png, { colorType, inputColorType: colorType, inputHasAlpha: false, deflateStrategy: 0 });
}
