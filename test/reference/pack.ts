import type { Heap } from "../../src/runtime/heap.js";

export function pack_b_f32(
  { f32 }: Heap,
  panels: number,
  k: number,
  n: number,
  b: number,
  row_stride: number,
  col_stride: number,
  packed: number,
): void {
  for (let j = 0; j < 8 * panels; j++) {
    for (let i = 0; i < k; i++) {
      f32[packedIndex(packed, k, i, j)] = j < n ? f32[(b >> 2) + i * row_stride + j * col_stride] : 0;
    }
  }
}

/** Where element (i, j) of a matrix of k rows lies once it is packed: in panel ⌊j / 8⌋, row i, lane j mod 8. */
export function packedIndex(packed: number, k: number, i: number, j: number): number {
  return (packed >> 2) + (Math.floor(j / 8) * k + i) * 8 + (j % 8);
}
