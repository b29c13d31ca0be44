import { PNG } from "pngjs";
import type { RawImage } from "./dataset.js";

/** PNG's number for grey and for RGB. */
const colorTypes = { 1: 0, 3: 2 } as const;

/**
 * Against pngjs's own choice, which suits drawings: photographs become half as large; one kind of filter and a lower level
 * take a fifth of the time for a hundredth more bytes.
 */
const COMPRESSION = { deflateStrategy: 0, deflateLevel: 6, filterType: 4 } as const;

/**
 * An image as a PNG file, without loss: grey for 1 channel, RGB for 3.
 *
 * @returns the bytes of the file
 */
export function encodePng({ width, height, channels, data }: RawImage): Uint8Array {
  const colorType = colorTypes[channels as 1 | 3];
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return PNG.sync.write(png, { colorType, inputColorType: colorType, inputHasAlpha: false, ...COMPRESSION });
}
