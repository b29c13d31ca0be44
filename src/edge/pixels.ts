import { toChannels } from "../data/channels.js";
import type { RawImage } from "../data/dataset.js";
import { DataError } from "../errors.js";

/** Pixels row by row, as the ImageData of a canvas: 1 (grey), 3 (RGB) or 4 (RGBA) bytes each. */
export interface EdgeImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Makes images of a network's channels; alpha is left out, as in training. Its buffer serves every image in turn. */
export class PixelReader {
  private readonly channels: 1 | 3;
  private buffer = new Uint8Array(0);

  constructor(channels: 1 | 3) {
    this.channels = channels;
  }

  /** The image until the next call. @throws DataError if its bytes do not fit its size */
  read({ data, width, height }: EdgeImage): RawImage {
    const pixels = width * height;
    const channels = data.length / pixels;
    if (!(Number.isInteger(width) && Number.isInteger(height) && pixels > 0 && [1, 3, 4].includes(channels))) {
      throw new DataError(
        `embed: an image of ${width} × ${height} pixels comes with ${data.length} bytes, expected 1, 3 or 4 for each pixel.`,
      );
    }
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
    const opaque = channels === 4 ? this.withoutAlpha(bytes, pixels) : bytes;
    return toChannels({ width, height, channels: channels === 1 ? 1 : 3, data: opaque }, this.channels);
  }

  private withoutAlpha(rgba: Uint8Array, pixels: number): Uint8Array {
    if (this.buffer.length < 3 * pixels) this.buffer = new Uint8Array(3 * pixels);
    const rgb = this.buffer;
    for (let from = 0, to = 0; to < 3 * pixels; from += 4, to += 3) {
      rgb[to] = rgba[from];
      rgb[to + 1] = rgba[from + 1];
      rgb[to + 2] = rgba[from + 2];
    }
    return rgb.subarray(0, 3 * pixels);
  }
}
