import type { Heap } from "../../src/runtime/heap.js";

const BLOCK_ROWS = 256;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** The rows of block b. */
const rowsOf = (b: number, rows: number) => span(b * BLOCK_ROWS, Math.min((b + 1) * BLOCK_ROWS, rows));

export function batch_norm_moments_f32(
  { f32 }: Heap,
  blocks: number,
  rows: number,
  channels: number,
  x: number,
  ldx: number,
  moments: number,
): void {
  for (let b = 0; b < blocks; b++) {
    for (let c = 0; c < channels; c++) {
      const values = rowsOf(b, rows).map((r) => f32[(x >> 2) + r * ldx + c]);
      const center = mean(values);
      f32[(moments >> 2) + 2 * b * channels + c] = center;
      f32[(moments >> 2) + (2 * b + 1) * channels + c] = values.reduce((sum, v) => sum + (v - center) ** 2, 0);
    }
  }
}

export function batch_norm_join_f32(
  { f32 }: Heap,
  channels: number,
  blocks: number,
  rows: number,
  moments: number,
  meanAt: number,
  variance: number,
): void {
  for (let c = 0; c < channels; c++) {
    const parts = span(0, blocks).map((b) => ({
      count: rowsOf(b, rows).length,
      center: f32[(moments >> 2) + 2 * b * channels + c],
      square: f32[(moments >> 2) + (2 * b + 1) * channels + c],
    }));
    const center = parts.reduce((sum, part) => sum + part.count * part.center, 0) / rows;
    const square = parts.reduce((sum, part) => sum + part.square + part.count * (part.center - center) ** 2, 0);
    f32[(meanAt >> 2) + c] = center;
    f32[(variance >> 2) + c] = square / rows;
  }
}

export function batch_norm_f32(
  { f32 }: Heap,
  rows: number,
  channels: number,
  x: number,
  ldx: number,
  meanAt: number,
  variance: number,
  eps: number,
  weight: number,
  bias: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c++) {
      const centered = f32[(x >> 2) + r * ldx + c] - f32[(meanAt >> 2) + c];
      const scale = f32[(weight >> 2) + c] / Math.sqrt(f32[(variance >> 2) + c] + eps);
      f32[(y >> 2) + r * ldy + c] = centered * scale + f32[(bias >> 2) + c];
    }
  }
}

export function batch_norm_sums_f32(
  { f32 }: Heap,
  blocks: number,
  rows: number,
  channels: number,
  x: number,
  ldx: number,
  meanAt: number,
  variance: number,
  eps: number,
  dy: number,
  lddy: number,
  sums: number,
): void {
  for (let b = 0; b < blocks; b++) {
    for (let c = 0; c < channels; c++) {
      let [dot, sum] = [0, 0];
      for (const r of rowsOf(b, rows)) {
        const g = f32[(dy >> 2) + r * lddy + c];
        dot += (g * (f32[(x >> 2) + r * ldx + c] - f32[(meanAt >> 2) + c])) / Math.sqrt(f32[(variance >> 2) + c] + eps);
        sum += g;
      }
      f32[(sums >> 2) + 2 * b * channels + c] = dot;
      f32[(sums >> 2) + (2 * b + 1) * channels + c] = sum;
    }
  }
}

export function batch_norm_grad_input_f32(
  { f32 }: Heap,
  rows: number,
  channels: number,
  x: number,
  ldx: number,
  meanAt: number,
  variance: number,
  eps: number,
  weight: number,
  sums: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c++) {
      const rstd = 1 / Math.sqrt(f32[(variance >> 2) + c] + eps);
      const normalized = (f32[(x >> 2) + r * ldx + c] - f32[(meanAt >> 2) + c]) * rstd;
      const pull = sums === 0 ? 0 : normalized * f32[(sums >> 2) + c] + f32[(sums >> 2) + channels + c];
      const slope = f32[(dy >> 2) + r * lddy + c] - pull / rows;
      const to = (dx >> 2) + r * lddx + c;
      f32[to] = f32[(weight >> 2) + c] * rstd * slope + (beta === 0 ? 0 : f32[to]);
    }
  }
}
