import type { Heap } from "../../src/runtime/heap.js";

export function embed_tokens_f32(
  { f32, i32 }: Heap,
  batch: number,
  patches: number,
  width: number,
  x: number,
  cls: number,
  position: number,
  ldp: number,
  mask_token: number,
  mask: number,
  y: number,
): void {
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t <= patches; t++) {
      const at = b * patches + t - 1;
      const masked = t > 0 && mask !== 0 && i32[(mask >> 2) + at] !== 0;
      const token = t === 0 ? cls : masked ? mask_token : x + 4 * at * width;
      for (let c = 0; c < width; c++) {
        f32[(y >> 2) + (b * (1 + patches) + t) * width + c] =
          f32[(token >> 2) + c] + f32[(position >> 2) + t * ldp + c];
      }
    }
  }
}

export function embed_tokens_grad_patches_f32(
  { f32, i32 }: Heap,
  batch: number,
  patches: number,
  width: number,
  dy: number,
  mask: number,
  beta: number,
  dx: number,
): void {
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < patches; n++) {
      const masked = mask !== 0 && i32[(mask >> 2) + b * patches + n] !== 0;
      for (let c = 0; c < width; c++) {
        const to = (dx >> 2) + (b * patches + n) * width + c;
        const flow = masked ? 0 : f32[(dy >> 2) + (b * (1 + patches) + 1 + n) * width + c];
        f32[to] = flow + (beta === 0 ? 0 : f32[to]);
      }
    }
  }
}

export function batch_sum_f32(
  { f32 }: Heap,
  rows: number,
  cols: number,
  batch: number,
  x: number,
  batch_stride: number,
  ldx: number,
  beta: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const to = (y >> 2) + r * ldy + c;
      let sum = beta === 0 ? 0 : f32[to];
      for (let b = 0; b < batch; b++) sum += f32[(x >> 2) + b * batch_stride + r * ldx + c];
      f32[to] = sum;
    }
  }
}

export function embed_tokens_grad_mask_f32(
  { f32, i32 }: Heap,
  width: number,
  batch: number,
  patches: number,
  dy: number,
  mask: number,
  beta: number,
  dmask: number,
): void {
  for (let c = 0; c < width; c++) {
    let sum = beta === 0 ? 0 : f32[(dmask >> 2) + c];
    for (let b = 0; b < batch; b++) {
      for (let n = 0; n < patches; n++) {
        if (i32[(mask >> 2) + b * patches + n] !== 0) sum += f32[(dy >> 2) + (b * (1 + patches) + 1 + n) * width + c];
      }
    }
    f32[(dmask >> 2) + c] = sum;
  }
}
