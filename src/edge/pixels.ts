import { spreadGrey, takeLuma } from "../data/channels.js";
import type { RawImage } from "../data/dataset.js";
import { DataError } from "../errors.js";

/** Bytes of pixels, row by row. */
export type Pixels = Uint8Array | Uint8ClampedArray;

/** Pixels row by row, as the ImageData of a canvas: 1 (grey), 3 (RGB) or 4 (RGBA) bytes each. */
export interface EdgeImage {
  readonly data: Pixels;
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
    const bytes = this.bytes(data, width, height);
    const own = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    return { width, height, channels: this.channels, data: own };
  }

  /**
   * The bytes of that image until the next call: the given array where it has the network's channels. Makes no object for an
   * image of the size of the one before.
   *
   * @throws DataError if they do not fit the size
   */
  bytes(data: Pixels, width: number, height: number): Pixels {
    const { channels } = this;
    const pixels = width * height;
    const found = data.length / pixels;
    const whole = Number.isInteger(width) && Number.isInteger(height) && pixels > 0;
    if (!whole || !(found === 1 || found === 3 || found === 4)) {
      throw new DataError(
        `embed: an image of ${width} × ${height} pixels comes with ${data.length} bytes, expected 1, 3 or 4 for each pixel.`,
      );
    }
    if (found === channels) return data;
    if (this.buffer.length !== channels * pixels) this.buffer = new Uint8Array(channels * pixels);
    if (channels === 1) takeLuma(data, found, this.buffer);
    else if (found === 1) spreadGrey(data, this.buffer);
    else leaveAlphaOut(data, this.buffer);
    return this.buffer;
  }
}

function leaveAlphaOut(rgba: Pixels, rgb: Uint8Array): void {
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
}
