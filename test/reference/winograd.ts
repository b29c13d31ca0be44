import type { Window } from "./window.js";

type Matrix = readonly (readonly number[])[];

/** The transforms of F(2 × 2, 3 × 3): outputs = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A. */
export const B_T: Matrix = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
export const G: Matrix = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
export const A_T: Matrix = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];

const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
export const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
/** t m tᵀ */
export const around = (t: Matrix, m: Matrix): Matrix => times(times(t, m), transposed(t));
export const square = (size: number, at: (i: number, j: number) => number): Matrix =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => at(i, j)));

/** Image, row and column of the first output of a tile. */
export function cornerOf({ rows, columns }: Window, tile: number): { image: number; row: number; column: number } {
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const line = Math.floor(tile / across);
  return { image: Math.floor(line / down), row: 2 * (line % down), column: 2 * (tile % across) };
}

export function sourceAt({ height, width, pixel }: Window, image: number, y: number, x: number): number {
  return y >= 0 && y < height && x >= 0 && x < width ? ((image * height + y) * width + x) * pixel : -1;
}
