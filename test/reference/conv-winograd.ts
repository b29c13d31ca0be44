import type { Heap } from "../../src/runtime/heap.js";
import { readWindow } from "./window.js";
import { A_T, around, B_T, cornerOf, G, sourceAt, square } from "./winograd.js";

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
