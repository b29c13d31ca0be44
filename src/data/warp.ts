import type { Size } from "./augment-parameters.js";

/** Where pixel (x, y) of the result is taken from: (a·x + b·y + c, d·x + e·y + f), pixels counted from their centres. */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** The pixels of an image, channels interleaved, dense. */
export interface Pixels extends Size {
  readonly bytes: Uint8Array;
  readonly channels: number;
}

/**
 * An affine transformation as Pillow's `Image.transform` with BICUBIC does it on 8-bit images: double precision, fractions cut
 * off, pixels that come from outside get a fixed colour.
 *
 * @param source  image
 * @param map  from places of the result to places of the source
 * @param fill  a level for each channel
 * @param target  [height, width, channels] of the source's size, apart from it
 */
export function warp(source: Pixels, map: AffineMap, fill: readonly number[], target: Uint8Array): void {
  const { height, width, channels } = source;
  const [a, b, c, d, e, f] = map;
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const x = a * (col + 0.5) + b * (row + 0.5) + c;
      const y = d * (col + 0.5) + e * (row + 0.5) + f;
      if (x < 0 || x >= width || y < 0 || y >= height) {
        for (let i = 0; i < channels; i++) target[to + i] = fill[i];
      } else sample(source, x - 0.5, y - 0.5, target, to);
      to += channels;
    }
  }
}

const taps = new Int32Array(4);

/** The four neighbours along one axis, those outside replaced by the border's. */
function neighbours(first: number, size: number, stride: number): void {
  for (let t = 0; t < 4; t++) taps[t] = Math.max(0, Math.min(size - 1, first + t)) * stride;
}

/** Writes one pixel, interpolated between the sixteen around (x, y), which counts from the centre of the first pixel. */
function sample(
  { bytes, height, width, channels }: Pixels,
  x: number,
  y: number,
  target: Uint8Array,
  to: number,
): void {
  const [col, row] = [Math.floor(x), Math.floor(y)];
  const [dx, dy] = [x - col, y - row];
  neighbours(row - 1, height, width * channels);
  const [r0, r1, r2, r3] = taps;
  neighbours(col - 1, width, channels);
  const [c0, c1, c2, c3] = taps;
  for (let i = 0; i < channels; i++) {
    const along = (r: number) => cubic(bytes[r + c0 + i], bytes[r + c1 + i], bytes[r + c2 + i], bytes[r + c3 + i], dx);
    const value = cubic(along(r0), along(r1), along(r2), along(r3), dy);
    target[to + i] = Math.max(0, Math.min(255, Math.trunc(value)));
  }
}

/** Keys' cubic with a = −1 through four equidistant values, at share d between the middle two. */
function cubic(v0: number, v1: number, v2: number, v3: number, d: number): number {
  const p2 = -v0 + v2;
  const p3 = 2 * (v0 - v1) + v2 - v3;
  const p4 = -v0 + v1 - v2 + v3;
  return v1 + d * (p2 + d * (p3 + d * p4));
}
