import type { Heap } from "../../src/runtime/heap.js";
import { logSumExp, row, writeRow } from "./rows.js";

export function softmax_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  temperature: number,
  center: number,
  y: number,
  ldy: number,
): void {
  const c = center === 0 ? new Array<number>(cols).fill(0) : row(heap, center, 0, cols, cols);
  for (let r = 0; r < rows; r++) {
    const z = row(heap, x, r, cols, ldx).map((value, k) => (value - c[k]) / temperature);
    const lse = logSumExp(z);
    const p = z.map((value) => Math.exp(value - lse));
    writeRow(heap, y, r, ldy, p, 0);
  }
}

export function log_softmax_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  temperature: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    const z = row(heap, x, r, cols, ldx).map((value) => value / temperature);
    const lse = logSumExp(z);
    const logP = z.map((value) => value - lse);
    writeRow(heap, y, r, ldy, logP, 0);
  }
}

export function softmax_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  temperature: number,
  y: number,
  ldy: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  for (let r = 0; r < rows; r++) {
    const p = row(heap, y, r, cols, ldy);
    const g = row(heap, dy, r, cols, lddy);
    const mean = p.reduce((sum, value, k) => sum + value * g[k], 0);
    const gradient = p.map((value, k) => (value * (g[k] - mean)) / temperature);
    writeRow(heap, dx, r, lddx, gradient, beta);
  }
}

export function log_softmax_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  temperature: number,
  y: number,
  ldy: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  for (let r = 0; r < rows; r++) {
    const logP = row(heap, y, r, cols, ldy);
    const g = row(heap, dy, r, cols, lddy);
    const sum = g.reduce((total, value) => total + value, 0);
    const gradient = g.map((value, k) => (value - Math.exp(logP[k]) * sum) / temperature);
    writeRow(heap, dx, r, lddx, gradient, beta);
  }
}
