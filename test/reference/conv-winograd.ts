import type { Heap } from "../../src/runtime/heap.js";
import { readWindow, type Window } from "./window.js";

type Matrix = readonly (readonly number[])[];

/** The transforms of F(2 × 2, 3 × 3): outputs = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A. */
const B_T: Matrix = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
const G: Matrix = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const A_T: Matrix = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];

const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
/** t m tᵀ */
const around = (t: Matrix, m: Matrix): Matrix => times(times(t, m), transposed(t));
const square = (size: number, at: (i: number, j: number) => number): Matrix =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => at(i, j)));

/** Where a weight lies that belongs to place (i, j) of a tile. */
const weightIndex = (packed: number, channels: number, o: number, c: number, place: number) =>
  (packed >> 2) + ((Math.floor(o / 8) * 16 + place) * channels + c) * 8 + (o % 8);

export function conv_winograd_f32(
  heap: Heap,
  tiles: number,
  n: number,
  channels: number,
  window: number,
  x: number,
  packed: number,
  bias: number,
  beta: number,
  y: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  for (let tile = 0; tile < tiles; tile++) {
    const { image, row, column } = cornerOf(w, tile);
    const seen = Array.from({ length: channels }, (_, c) =>
      around(
        B_T,
        square(4, (i, j) => {
          const at = sourceAt(w, image, row + w.firstY + i, column + w.firstX + j);
          return at < 0 ? 0 : f32[(x >> 2) + at + c];
        }),
      ),
    );
    for (let o = 0; o < n; o++) {
      const products = square(4, (i, j) =>
        seen.reduce((sum, v, c) => sum + v[i][j] * f32[weightIndex(packed, channels, o, c, 4 * i + j)], 0),
      );
      around(A_T, products).forEach((values, i) => {
        values.forEach((value, j) => {
          if (row + i >= w.rows || column + j >= w.columns) return;
          const to = (y >> 2) + image * w.outImage + (row + i) * w.outRow + (column + j) * w.outPixel + o;
          f32[to] = value + (bias === 0 ? 0 : f32[(bias >> 2) + o]) + (beta === 0 ? 0 : f32[to]);
        });
      });
    }
  }
}

/** Image, row and column of the first output of a tile. */
function cornerOf({ rows, columns }: Window, tile: number): { image: number; row: number; column: number } {
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const line = Math.floor(tile / across);
  return { image: Math.floor(line / down), row: 2 * (line % down), column: 2 * (tile % across) };
}

function sourceAt({ height, width, pixel }: Window, image: number, y: number, x: number): number {
  return y >= 0 && y < height && x >= 0 && x < width ? ((image * height + y) * width + x) * pixel : -1;
}

export function conv_winograd_weight_f32(
  { f32 }: Heap,
  _panels: number,
  n: number,
  channels: number,
  alpha: number,
  w: number,
  out_stride: number,
  channel_stride: number,
  y_stride: number,
  x_stride: number,
  packed: number,
): void {
  for (let o = 0; o < n; o++) {
    for (let c = 0; c < channels; c++) {
      const from = (w >> 2) + o * out_stride + c * channel_stride;
      const transform = around(
        G,
        square(3, (i, j) => f32[from + i * y_stride + j * x_stride]),
      );
      transform.flat().forEach((value, place) => {
        f32[weightIndex(packed, channels, o, c, place)] = alpha * value;
      });
    }
  }
}
