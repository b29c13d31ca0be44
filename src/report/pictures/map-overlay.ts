import type { RawImage } from "../../data/dataset.js";
import { VIRIDIS } from "./color-map.js";
import { stretched, upsample } from "./grid-field.js";

/** How dark the image lies below a map, and how much of the map's colour covers it at its least and greatest value. */
const DIMMED = 0.8;
const COVER = [0.35, 0.85] as const;

/**
 * A map over an image: grey where it is low, in the colours of the map where it is high, from its least value to its greatest.
 *
 * @param image  a square RGB image
 * @param map  [grid · grid]
 * @returns RGB, of the image's size
 */
export function overlay({ width: side, data: source }: RawImage, map: Float32Array, grid: number): RawImage {
  const shares = upsample({ grid, channels: 1, values: stretched(map) }, side);
  const data = new Uint8Array(source.length);
  for (let pixel = 0, at = 0; pixel < shares.length; pixel++) {
    const share = shares[pixel];
    const color = 3 * Math.round(255 * share);
    const cover = COVER[0] + share * (COVER[1] - COVER[0]);
    const luma = DIMMED * (0.299 * source[at] + 0.587 * source[at + 1] + 0.114 * source[at + 2]);
    for (let c = 0; c < 3; c++) data[at++] = Math.round(luma + cover * (VIRIDIS[color + c] - luma));
  }
  return { width: side, height: side, channels: 3, data };
}

/** The mean over maps of one image. */
export function meanMap(maps: readonly Float32Array[]): Float32Array {
  return maps[0].map((_, i) => maps.reduce((sum, map) => sum + map[i], 0) / maps.length);
}
