/** Numbers over a square grid of patches. */
export interface GridField {
  /** Patches per side. */
  readonly grid: number;
  /** Numbers per patch. */
  readonly channels: number;
  /** [grid, grid, channels] */
  readonly values: ArrayLike<number>;
}

/**
 * A field over pixels, linear between the centres of patches and constant outside of the outermost ones.
 *
 * @param side  pixels per side
 * @returns [side, side, channels]
 */
export function upsample({ grid, channels, values }: GridField, side: number): Float32Array {
  const taps = linearTaps(grid, side);
  const pixels = new Float32Array(side * side * channels);
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let c = 0; c < channels; c++) {
        const row = (at: number) => {
          const left = values[(at * grid + taps.first[x]) * channels + c];
          return left + taps.share[x] * (values[(at * grid + taps.second[x]) * channels + c] - left);
        };
        const above = row(taps.first[y]);
        pixels[to++] = above + taps.share[y] * (row(taps.second[y]) - above);
      }
    }
  }
  return pixels;
}

/** For each pixel of an axis the patches before and behind it, and how far it is towards the second. */
function linearTaps(grid: number, side: number) {
  const [first, second] = [new Int32Array(side), new Int32Array(side)];
  const share = new Float32Array(side);
  for (let p = 0; p < side; p++) {
    const at = Math.min(grid - 1, Math.max(0, ((p + 0.5) * grid) / side - 0.5));
    first[p] = Math.floor(at);
    second[p] = Math.min(grid - 1, first[p] + 1);
    share[p] = at - first[p];
  }
  return { first, second, share };
}

/** (x − low)/(high − low) with the least and the greatest value as 0 and 1; all 0 where they are equal. */
export function stretched(values: Float32Array): Float32Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high > low ? values.map((value) => (value - low) / (high - low)) : new Float32Array(values.length);
}
