/**
 * Viridis (S. van der Walt, N. Smith, 2015, CC0), every sixteenth of its 256 colours: lightness rises evenly, so that it can
 * be read in print and by those who tell few colours apart.
 */
const ANCHORS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [72, 24, 106],
  [71, 45, 123],
  [66, 64, 134],
  [59, 82, 139],
  [51, 99, 141],
  [44, 114, 142],
  [38, 130, 142],
  [33, 145, 140],
  [31, 160, 136],
  [40, 174, 128],
  [63, 188, 115],
  [94, 201, 98],
  [132, 212, 75],
  [173, 220, 48],
  [216, 226, 25],
  [253, 231, 37],
];

/** Colours from dark violet to yellow  [256, 3], linear between the anchors. */
export const VIRIDIS: Uint8Array = Uint8Array.from({ length: 256 * 3 }, (_, i) => {
  const [at, c] = [(Math.floor(i / 3) / 255) * (ANCHORS.length - 1), i % 3];
  const below = Math.min(Math.floor(at), ANCHORS.length - 2);
  const low = ANCHORS[below][c];
  return Math.round(low + (at - below) * (ANCHORS[below + 1][c] - low));
});
