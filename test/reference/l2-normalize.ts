import type { Heap } from "../../src/runtime/heap.js";
import { dot, row, writeRow } from "./rows.js";

export function l2_normalize_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  eps: number,
  y: number,
  ldy: number,
  norms: number,
): void {
  for (let r = 0; r < rows; r++) {
    const values = row(heap, x, r, cols, ldx);
    const norm = Math.sqrt(dot(values, values));
    const unit = values.map((value) => value / Math.max(norm, eps));
    writeRow(heap, norms, r, 1, [norm], 0);
    writeRow(heap, y, r, ldy, unit, 0);
  }
}

export function l2_normalize_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  y: number,
  ldy: number,
  norms: number,
  eps: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  for (let r = 0; r < rows; r++) {
    const unit = row(heap, y, r, cols, ldy);
    const g = row(heap, dy, r, cols, lddy);
    const [norm] = row(heap, norms, r, 1, 1);
    const along = norm > eps ? dot(unit, g) : 0;
    const gradient = g.map((value, c) => (value - along * unit[c]) / Math.max(norm, eps));
    writeRow(heap, dx, r, lddx, gradient, beta);
  }
}
