import type { Heap } from "../../src/runtime/heap.js";

/** The two cells along an axis that output i sees, and their weights. */
function taps({ f32, i32 }: Heap, i: number, cell: number, share: number, count: number): [number, number][] {
  const from = i32[(cell >> 2) + i];
  const weight = f32[(share >> 2) + i];
  return [
    [from, 1 - weight],
    [Math.min(from + 1, count - 1), weight],
  ];
}

export function resize_bilinear_f32(
  heap: Heap,
  lines: number,
  cols: number,
  channels: number,
  rows: number,
  in_rows: number,
  in_cols: number,
  row_cell: number,
  row_share: number,
  col_cell: number,
  col_share: number,
  x: number,
  ldx: number,
  y: number,
): void {
  const { f32 } = heap;
  for (let line = 0; line < lines; line++) {
    const image = Math.floor(line / rows);
    for (let ox = 0; ox < cols; ox++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const [i, wi] of taps(heap, line % rows, row_cell, row_share, in_rows)) {
          for (const [j, wj] of taps(heap, ox, col_cell, col_share, in_cols)) {
            sum += wi * wj * f32[(x >> 2) + ((image * in_rows + i) * in_cols + j) * ldx + c];
          }
        }
        f32[(y >> 2) + (line * cols + ox) * channels + c] = sum;
      }
    }
  }
}

export function resize_bilinear_grad_f32(
  heap: Heap,
  lines: number,
  cols: number,
  channels: number,
  rows: number,
  in_rows: number,
  in_cols: number,
  row_cell: number,
  row_share: number,
  col_cell: number,
  col_share: number,
  dy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  const { f32 } = heap;
  for (let pixel = 0; pixel < lines * in_cols && beta === 0; pixel++) {
    for (let c = 0; c < channels; c++) f32[(dx >> 2) + pixel * lddx + c] = 0;
  }
  for (let line = 0; line < (lines / in_rows) * rows; line++) {
    const image = Math.floor(line / rows);
    for (let ox = 0; ox < cols; ox++) {
      for (let c = 0; c < channels; c++) {
        const g = f32[(dy >> 2) + (line * cols + ox) * channels + c];
        for (const [i, wi] of taps(heap, line % rows, row_cell, row_share, in_rows)) {
          for (const [j, wj] of taps(heap, ox, col_cell, col_share, in_cols)) {
            f32[(dx >> 2) + ((image * in_rows + i) * in_cols + j) * lddx + c] += wi * wj * g;
          }
        }
      }
    }
  }
}
