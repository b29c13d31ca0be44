import type { ImageSource, RawImage } from "../../data/dataset.js";
import { DataError } from "../../errors.js";
import { centerSquares } from "../pictures/center-squares.js";

/** Squares along each side of a sheet. */
export const PER_SIDE = 10;

/** Pictures are as large as the first image's shorter side, within these bounds. */
const SIDE = { least: 24, most: 64 } as const;

/** Small pictures of a source, and of which of its images. */
export interface Thumbnails {
  /** Index in the source of each, in its order; broken images are left out. */
  readonly indices: Int32Array;
  /** Pixels along each side of a picture. */
  readonly side: number;
  /** `PER_SIDE`² pictures each, row by row; grey where all of them are. */
  readonly sheets: readonly RawImage[];
}

export interface ThumbnailOptions {
  /** Side of each picture in pixels. Default: that of the first image, from 24 to 64. */
  readonly side?: number;
  /** Stop at the first broken image. */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly onWarning?: (message: string) => void;
}

/**
 * The middle squares of all readable images of a source, on sheets.
 *
 * @throws DataError if none can be read, or with `strict` one cannot
 */
export async function thumbnailsOf(
  source: ImageSource,
  { side: given, strict = false, onProgress, onWarning }: ThumbnailOptions = {},
): Promise<Thumbnails> {
  const indices: number[] = [];
  const squares: RawImage[] = [];
  let side = given;
  for (let index = 0; index < source.length; index++) {
    try {
      const image = await source.read(index);
      side ??= Math.min(SIDE.most, Math.max(SIDE.least, Math.min(image.width, image.height)));
      const [square] = centerSquares([image], side);
      squares.push(image.channels === 1 ? greyOf(square) : square);
      indices.push(index);
    } catch (error) {
      if (!(error instanceof DataError) || strict) throw error;
      onWarning?.(`${error.message} Left out.`);
    }
    onProgress?.(index + 1, source.length);
  }
  if (side === undefined || indices.length === 0)
    throw new DataError(`showcase: none of the ${source.length} images of ${source.name} can be read.`);
  const sheets: RawImage[] = [];
  for (let first = 0; first < squares.length; first += PER_SIDE ** 2)
    sheets.push(sheetOf(squares.slice(first, first + PER_SIDE ** 2), side));
  return { indices: Int32Array.from(indices), side, sheets };
}

/** One channel of an image whose channels are equal. */
function greyOf({ width, height, data }: RawImage): RawImage {
  return { width, height, channels: 1, data: Uint8Array.from({ length: width * height }, (_, i) => data[3 * i]) };
}

function sheetOf(squares: readonly RawImage[], side: number): RawImage {
  const channels = squares.every((square) => square.channels === 1) ? 1 : 3;
  const [width, height] = [PER_SIDE * side, Math.ceil(squares.length / PER_SIDE) * side];
  const data = new Uint8Array(width * height * channels);
  squares.forEach((square, i) => {
    const [left, top] = [(i % PER_SIDE) * side, Math.floor(i / PER_SIDE) * side];
    for (let pixel = 0; pixel < side * side; pixel++) {
      const to = ((top + Math.floor(pixel / side)) * width + left + (pixel % side)) * channels;
      for (let c = 0; c < channels; c++) data[to + c] = square.data[pixel * square.channels + (c % square.channels)];
    }
  });
  return { width, height, channels, data };
}
