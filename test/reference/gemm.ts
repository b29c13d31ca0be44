import type { Heap } from "../../src/runtime/heap.js";
import { packedIndex } from "./pack.js";

export function gemm_f32(
  { f32 }: Heap,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  a_row_stride: number,
  a_col_stride: number,
  packed: number,
  bias: number,
  beta: number,
  c: number,
  ldc: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += f32[(a >> 2) + i * a_row_stride + p * a_col_stride] * f32[packedIndex(packed, k, p, j)];
      }
      const offset = bias === 0 ? 0 : f32[(bias >> 2) + j];
      const before = beta === 0 ? 0 : f32[(c >> 2) + i * ldc + j];
      f32[(c >> 2) + i * ldc + j] = alpha * sum + offset + before;
    }
  }
}
