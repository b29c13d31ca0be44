import type { Heap } from "../../src/runtime/heap.js";

export function resample_f32(
  { f32, i32 }: Heap,
  out_rows: number,
  out_cols: number,
  channels: number,
  in_cols: number,
  row_index: number,
  row_weight: number,
  col_index: number,
  col_weight: number,
  x: number,
  ldx: number,
  y: number,
  ldy: number,
): void {
  for (let oy = 0; oy < out_rows; oy++) {
    for (let ox = 0; ox < out_cols; ox++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let a = 4 * oy; a < 4 * oy + 4; a++) {
          for (let b = 4 * ox; b < 4 * ox + 4; b++) {
            const cell = i32[(row_index >> 2) + a] * in_cols + i32[(col_index >> 2) + b];
            sum += f32[(row_weight >> 2) + a] * f32[(col_weight >> 2) + b] * f32[(x >> 2) + cell * ldx + c];
          }
        }
        f32[(y >> 2) + (oy * out_cols + ox) * ldy + c] = sum;
      }
    }
  }
}

export function resample_grad_f32(
  { f32, i32 }: Heap,
  channels: number,
  out_rows: number,
  out_cols: number,
  in_cols: number,
  row_index: number,
  row_weight: number,
  col_index: number,
  col_weight: number,
  dy: number,
  lddy: number,
  dx: number,
  lddx: number,
): void {
  for (let oy = 0; oy < out_rows; oy++) {
    for (let ox = 0; ox < out_cols; ox++) {
      for (let a = 4 * oy; a < 4 * oy + 4; a++) {
        for (let b = 4 * ox; b < 4 * ox + 4; b++) {
          const cell = i32[(row_index >> 2) + a] * in_cols + i32[(col_index >> 2) + b];
          const weight = f32[(row_weight >> 2) + a] * f32[(col_weight >> 2) + b];
          for (let c = 0; c < channels; c++) {
            f32[(dx >> 2) + cell * lddx + c] += weight * f32[(dy >> 2) + (oy * out_cols + ox) * lddy + c];
          }
        }
      }
    }
  }
}
