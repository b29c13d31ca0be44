import type { Heap } from "../../src/runtime/heap.js";

export function sinkhorn_exp_f32(
  heap: Heap,
  n: number,
  x: number,
  temperature: number,
  shift: number,
  y: number,
): void {
  for (let i = 0; i < n; i++) {
    const t = (heap.f32[(x >> 2) + i] - heap.f32[shift >> 2]) / temperature;
    heap.f32[(y >> 2) + i] = Math.exp(Math.max(t, -80));
  }
}

export function sinkhorn_column_sums_f32(
  heap: Heap,
  cols: number,
  rows: number,
  x: number,
  rowScale: number,
  sums: number,
): void {
  for (let c = 0; c < cols; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += heap.f32[(x >> 2) + r * cols + c] * heap.f32[(rowScale >> 2) + r];
    heap.f32[(sums >> 2) + c] = sum;
  }
}

export function sinkhorn_shares_f32(heap: Heap, cols: number, sums: number, share: number, columnScale: number): void {
  for (let c = 0; c < cols; c++) heap.f32[(columnScale >> 2) + c] = share / heap.f32[(sums >> 2) + c];
}

export function sinkhorn_rows_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  columnScale: number,
  rowScale: number,
): void {
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += heap.f32[(x >> 2) + r * cols + c] * heap.f32[(columnScale >> 2) + c];
    heap.f32[(rowScale >> 2) + r] = 1 / sum;
  }
}

export function sinkhorn_scale_f32(
  heap: Heap,
  rows: number,
  cols: number,
  rowScale: number,
  columnScale: number,
  x: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      heap.f32[(x >> 2) + r * cols + c] *= heap.f32[(rowScale >> 2) + r] * heap.f32[(columnScale >> 2) + c];
    }
  }
}
