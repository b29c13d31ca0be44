import type { Heap } from "../../src/runtime/heap.js";

export function add_f32({ f32 }: Heap, n: number, a: number, b: number, y: number): void {
  for (let i = 0; i < n; i++) f32[(y >> 2) + i] = f32[(a >> 2) + i] + f32[(b >> 2) + i];
}

export function subtract_f32({ f32 }: Heap, n: number, a: number, b: number, y: number): void {
  for (let i = 0; i < n; i++) f32[(y >> 2) + i] = f32[(a >> 2) + i] - f32[(b >> 2) + i];
}

export function multiply_f32({ f32 }: Heap, n: number, a: number, b: number, y: number): void {
  for (let i = 0; i < n; i++) f32[(y >> 2) + i] = f32[(a >> 2) + i] * f32[(b >> 2) + i];
}

export function multiply_grad_f32({ f32 }: Heap, n: number, dy: number, b: number, beta: number, da: number): void {
  for (let i = 0; i < n; i++) {
    const before = beta === 0 ? 0 : f32[(da >> 2) + i];
    f32[(da >> 2) + i] = f32[(dy >> 2) + i] * f32[(b >> 2) + i] + before;
  }
}

export function scale_f32({ f32 }: Heap, n: number, alpha: number, x: number, beta: number, y: number): void {
  for (let i = 0; i < n; i++) {
    const before = beta === 0 ? 0 : f32[(y >> 2) + i];
    f32[(y >> 2) + i] = alpha * f32[(x >> 2) + i] + before;
  }
}

export function fill_f32({ f32 }: Heap, n: number, value: number, y: number): void {
  for (let i = 0; i < n; i++) f32[(y >> 2) + i] = value;
}

export function add_row_f32(
  { f32 }: Heap,
  rows: number,
  cols: number,
  x: number,
  ldx: number,
  row: number,
  y: number,
  ldy: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      f32[(y >> 2) + r * ldy + c] = f32[(x >> 2) + r * ldx + c] + f32[(row >> 2) + c];
    }
  }
}

export function copy_f32(
  { f32 }: Heap,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
  x: number,
  xs0: number,
  xs1: number,
  xs2: number,
  xs3: number,
  beta: number,
  y: number,
  ys0: number,
  ys1: number,
  ys2: number,
  ys3: number,
): void {
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      for (let k = 0; k < d2; k++) {
        for (let l = 0; l < d3; l++) {
          const from = (x >> 2) + i * xs0 + j * xs1 + k * xs2 + l * xs3;
          const to = (y >> 2) + i * ys0 + j * ys1 + k * ys2 + l * ys3;
          f32[to] = beta === 0 ? f32[from] : f32[from] + f32[to];
        }
      }
    }
  }
}
