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

export function gemm_batch_f32(
  { f32 }: Heap,
  batch: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  a_step: number,
  a_row_stride: number,
  a_col_stride: number,
  b: number,
  b_step: number,
  b_row_stride: number,
  b_col_stride: number,
  beta: number,
  c: number,
  c_step: number,
  ldc: number,
): void {
  for (let t = 0; t < batch; t++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          const left = f32[(a >> 2) + t * a_step + i * a_row_stride + p * a_col_stride];
          sum += left * f32[(b >> 2) + t * b_step + p * b_row_stride + j * b_col_stride];
        }
        const at = (c >> 2) + t * c_step + i * ldc + j;
        f32[at] = alpha * sum + (beta === 0 ? 0 : f32[at]);
      }
    }
  }
}
