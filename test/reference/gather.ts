import type { Heap } from "../../src/runtime/heap.js";

export function gather_rows_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  index: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) f32[(y >> 2) + r * ldy + c] = f32[(x >> 2) + i32[(index >> 2) + r] * ldx + c];
  }
}

export function scatter_add_rows_f32(
  { f32, i32 }: Heap,
  cols: number,
  rows: number,
  dy: number,
  lddy: number,
  index: number,
  dx: number,
  lddx: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) f32[(dx >> 2) + i32[(index >> 2) + r] * lddx + c] += f32[(dy >> 2) + r * lddy + c];
  }
}
