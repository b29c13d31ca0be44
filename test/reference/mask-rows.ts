import type { Heap } from "../../src/runtime/heap.js";

export function mask_rows_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  x: number,
  mask: number,
  token: number,
  y: number,
): void {
  for (let i = 0; i < rows * cols; i++) {
    const masked = i32[(mask >> 2) + Math.floor(i / cols)] !== 0;
    f32[(y >> 2) + i] = masked ? f32[(token >> 2) + (i % cols)] : f32[(x >> 2) + i];
  }
}

export function mask_rows_grad_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  dy: number,
  mask: number,
  beta: number,
  dx: number,
): void {
  for (let i = 0; i < rows * cols; i++) {
    const masked = i32[(mask >> 2) + Math.floor(i / cols)] !== 0;
    const before = beta === 0 ? 0 : f32[(dx >> 2) + i];
    f32[(dx >> 2) + i] = (masked ? 0 : f32[(dy >> 2) + i]) + before;
  }
}

export function mask_rows_grad_token_f32(
  { f32, i32 }: Heap,
  cols: number,
  rows: number,
  dy: number,
  mask: number,
  beta: number,
  dtoken: number,
): void {
  for (let c = 0; c < cols; c++) {
    let sum = beta === 0 ? 0 : f32[(dtoken >> 2) + c];
    for (let r = 0; r < rows; r++) if (i32[(mask >> 2) + r] !== 0) sum += f32[(dy >> 2) + r * cols + c];
    f32[(dtoken >> 2) + c] = sum;
  }
}
