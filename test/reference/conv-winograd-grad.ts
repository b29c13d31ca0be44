import type { Heap } from "../../src/runtime/heap.js";
import { readWindow } from "./window.js";
import { A_T, around, B_T, cornerOf, G, sourceAt, square, transposed } from "./winograd.js";

/** Where number `lane` of a tile lies, or of a channel, in f32[blocks, 16, pitch, lanes]. */
const placeIndex = (ptr: number, lanes: number, pitch: number, { c, place, t }: Record<"c" | "place" | "t", number>) =>
  (ptr >> 2) + ((Math.floor(c / lanes) * 16 + place) * pitch + t) * lanes + (c % lanes);

/** −1 where exactly one of the indices of a place is 3. */
const signOf = (place: number) => (place >= 12 !== (place % 4 === 3) ? -1 : 1);

export function conv_winograd_seen_f32(
  heap: Heap,
  tiles: number,
  channels: number,
  first: number,
  pitch: number,
  window: number,
  x: number,
  packed: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  for (let t = 0; t < tiles; t++) {
    const { image, row, column } = cornerOf(w, first + t);
    for (let c = 0; c < channels; c++) {
      const seen = square(4, (i, j) => {
        const at = sourceAt(w, image, row + w.firstY + i, column + w.firstX + j);
        return at < 0 ? 0 : f32[(x >> 2) + at + c];
      });
      around(B_T, seen)
        .flat()
        .forEach((value, place) => {
          f32[placeIndex(packed, 4, pitch, { c, place, t })] = value;
        });
    }
  }
}

export function conv_winograd_spread_f32(
  heap: Heap,
  tiles: number,
  n: number,
  first: number,
  pitch: number,
  window: number,
  dy: number,
  packed: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  for (let t = 0; t < tiles; t++) {
    const { image, row, column } = cornerOf(w, first + t);
    for (let c = 0; c < n; c++) {
      const gradients = square(2, (i, j) => {
        if (row + i >= w.rows || column + j >= w.columns) return 0;
        return f32[(dy >> 2) + image * w.outImage + (row + i) * w.outRow + (column + j) * w.outPixel + c];
      });
      around(transposed(A_T), gradients)
        .flat()
        .forEach((value, place) => {
          f32[placeIndex(packed, 8, pitch, { c, place, t })] = signOf(place) * value;
        });
    }
  }
}

export function conv_winograd_products_f32(
  { f32 }: Heap,
  _parts: number,
  n: number,
  channels: number,
  tiles: number,
  pitch: number,
  seen: number,
  spread: number,
  beta: number,
  sums: number,
): void {
  for (let place = 0; place < 16; place++) {
    for (let o = 0; o < n; o++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let t = 0; t < tiles; t++) {
          const tile = f32[placeIndex(seen, 4, pitch, { c, place, t })];
          sum += tile * f32[placeIndex(spread, 8, pitch, { c: o, place, t })];
        }
        const to = placeIndex(sums, 8, channels, { c: o, place, t: c });
        f32[to] = sum + (beta === 0 ? 0 : f32[to]);
      }
    }
  }
}

export function conv_winograd_grad_weight_f32(
  { f32 }: Heap,
  _panels: number,
  n: number,
  channels: number,
  alpha: number,
  sums: number,
  beta: number,
  dw: number,
  out_stride: number,
  channel_stride: number,
  y_stride: number,
  x_stride: number,
): void {
  for (let o = 0; o < n; o++) {
    for (let c = 0; c < channels; c++) {
      const sum = square(4, (i, j) => {
        const place = 4 * i + j;
        return signOf(place) * f32[placeIndex(sums, 8, channels, { c: o, place, t: c })];
      });
      around(transposed(G), sum).forEach((values, i) => {
        values.forEach((value, j) => {
          const to = (dw >> 2) + o * out_stride + c * channel_stride + i * y_stride + j * x_stride;
          f32[to] = alpha * value + (beta === 0 ? 0 : f32[to]);
        });
      });
    }
  }
}
