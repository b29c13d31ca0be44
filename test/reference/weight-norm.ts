import type { Heap } from "../../src/runtime/heap.js";
import { dot, row, writeRow } from "./rows.js";

export function weight_norm_f32(
  heap: Heap,
  rows: number,
  cols: number,
  v: number,
  g: number,
  y: number,
  norms: number,
): void {
  for (let r = 0; r < rows; r++) {
    const values = row(heap, v, r, cols, cols);
    const norm = Math.sqrt(dot(values, values));
    const [length] = row(heap, g, r, 1, 1);
    const result = values.map((value) => (length * value) / norm);
    writeRow(heap, norms, r, 1, [norm], 0);
    writeRow(heap, y, r, cols, result, 0);
  }
}

export function weight_norm_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  v: number,
  g: number,
  norms: number,
  dy: number,
  betaV: number,
  dv: number,
  betaG: number,
  dg: number,
): void {
  for (let r = 0; r < rows; r++) {
    const values = row(heap, v, r, cols, cols);
    const upstream = row(heap, dy, r, cols, cols);
    const [norm] = row(heap, norms, r, 1, 1);
    const [length] = row(heap, g, r, 1, 1);
    const along = dot(values, upstream) / norm;
    const gradient = upstream.map((value, c) => (length / norm) * (value - (values[c] * along) / norm));
    writeRow(heap, dv, r, cols, gradient, betaV);
    writeRow(heap, dg, r, 1, [along], betaG);
  }
}
