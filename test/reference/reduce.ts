import type { Heap } from "../../src/runtime/heap.js";

const BLOCK = 4096;

function reduceBlocks(
  { f32 }: Heap,
  { blocks, n, x, y }: { blocks: number; n: number; x: number; y: number },
  start: number,
  combine: (result: number, value: number) => number,
): void {
  for (let b = 0; b < blocks; b++) {
    let result = start;
    for (let i = BLOCK * b; i < Math.min(BLOCK * (b + 1), n); i++) result = combine(result, f32[(x >> 2) + i]);
    f32[(y >> 2) + b] = result;
  }
}

export function sum_blocks_f32(heap: Heap, blocks: number, n: number, x: number, y: number): void {
  reduceBlocks(heap, { blocks, n, x, y }, 0, (sum, value) => sum + value);
}

export function squared_norm_blocks_f32(heap: Heap, blocks: number, n: number, x: number, y: number): void {
  reduceBlocks(heap, { blocks, n, x, y }, 0, (sum, value) => sum + value * value);
}

export function max_blocks_f32(heap: Heap, blocks: number, n: number, x: number, y: number): void {
  reduceBlocks(heap, { blocks, n, x, y }, Number.NEGATIVE_INFINITY, (most, value) =>
    Number.isNaN(value) ? most : Math.max(most, value),
  );
}

export function column_sum_f32(
  { f32 }: Heap,
  cols: number,
  rows: number,
  x: number,
  ldx: number,
  beta: number,
  y: number,
): void {
  for (let c = 0; c < cols; c++) {
    let sum = beta === 0 ? 0 : f32[(y >> 2) + c];
    for (let r = 0; r < rows; r++) sum += f32[(x >> 2) + r * ldx + c];
    f32[(y >> 2) + c] = sum;
  }
}

export function argmax_rows_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  y: number,
): void {
  for (let r = 0; r < rows; r++) {
    let most = Number.NEGATIVE_INFINITY;
    let where = 0;
    for (let c = 0; c < cols; c++) {
      const value = f32[(x >> 2) + r * ldx + c];
      if (value > most) {
        most = value;
        where = c;
      }
    }
    i32[(y >> 2) + r] = where;
  }
}
