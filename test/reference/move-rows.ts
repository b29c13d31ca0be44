import type { Heap } from "../../src/runtime/heap.js";

export function move_rows_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  from: number,
  index: number,
  to: number,
  beta: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    const at = i32[(index >> 2) + (r % to)];
    for (let c = 0; c < cols; c++) {
      const moved = at < 0 ? 0 : f32[(x >> 2) + (Math.floor(r / to) * from + at) * ldx + c];
      const before = beta === 0 ? 0 : f32[(y >> 2) + r * ldy + c];
      f32[(y >> 2) + r * ldy + c] = moved + before;
    }
  }
}
