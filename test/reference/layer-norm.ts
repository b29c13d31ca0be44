import type { Heap } from "../../src/runtime/heap.js";
import { row, writeRow } from "./rows.js";

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function layer_norm_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  eps: number,
  weight: number,
  bias: number,
  y: number,
  ldy: number,
  stats: number,
): void {
  const w = row(heap, weight, 0, cols, cols);
  const b = row(heap, bias, 0, cols, cols);
  for (let r = 0; r < rows; r++) {
    const values = row(heap, x, r, cols, ldx);
    const center = mean(values);
    const rstd = 1 / Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + eps);
    const result = values.map((value, c) => (value - center) * rstd * w[c] + b[c]);
    writeRow(heap, stats, r, 2, [center, rstd], 0);
    writeRow(heap, y, r, ldy, result, 0);
  }
}

export function layer_norm_grad_input_f32(
  heap: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  stats: number,
  weight: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  const w = row(heap, weight, 0, cols, cols);
  for (let r = 0; r < rows; r++) {
    const [center, rstd] = row(heap, stats, r, 2, 2);
    const normalized = row(heap, x, r, cols, ldx).map((value) => (value - center) * rstd);
    const g = row(heap, dy, r, cols, lddy).map((value, c) => value * w[c]);
    const meanG = mean(g);
    const meanGX = mean(g.map((value, c) => value * normalized[c]));
    const gradient = g.map((value, c) => (value - meanG - normalized[c] * meanGX) * rstd);
    writeRow(heap, dx, r, lddx, gradient, beta);
  }
}

export function layer_norm_grad_weight_f32(
  heap: Heap,
  cols: number,
  rows: number,
  x: number,
  ldx: number,
  stats: number,
  dy: number,
  lddy: number,
  betaWeight: number,
  dweight: number,
  betaBias: number,
  dbias: number,
): void {
  const weightSums = new Array<number>(cols).fill(0);
  const biasSums = new Array<number>(cols).fill(0);
  for (let r = 0; r < rows; r++) {
    const [center, rstd] = row(heap, stats, r, 2, 2);
    const values = row(heap, x, r, cols, ldx);
    row(heap, dy, r, cols, lddy).forEach((g, c) => {
      weightSums[c] += g * (values[c] - center) * rstd;
      biasSums[c] += g;
    });
  }
  writeRow(heap, dweight, 0, cols, weightSums, betaWeight);
  writeRow(heap, dbias, 0, cols, biasSums, betaBias);
}
