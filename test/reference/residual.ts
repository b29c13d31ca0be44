import type { Heap } from "../../src/runtime/heap.js";

const entry = ({ i32 }: Heap, list: number, at: number) => (list === 0 ? at : i32[(list >> 2) + at]);
const factor = ({ f32 }: Heap, list: number, at: number) => (list === 0 ? 1 : f32[(list >> 2) + at]);

export function residual_f32(
  heap: Heap,
  batch: number,
  tokens_width: number,
  width: number,
  x: number,
  branch: number,
  gamma: number,
  map: number,
  scale: number,
  y: number,
): void {
  const { f32 } = heap;
  for (let b = 0; b < batch; b++) {
    const from = entry(heap, map, b);
    for (let i = 0; i < tokens_width; i++) {
      const weight = factor(heap, scale, b) * factor(heap, gamma, i % width);
      const added = from < 0 ? 0 : weight * f32[(branch >> 2) + from * tokens_width + i];
      f32[(y >> 2) + b * tokens_width + i] = f32[(x >> 2) + b * tokens_width + i] + added;
    }
  }
}

export function residual_grad_branch_f32(
  heap: Heap,
  subset: number,
  tokens_width: number,
  width: number,
  dy: number,
  gamma: number,
  index: number,
  scale: number,
  beta: number,
  dbranch: number,
): void {
  const { f32 } = heap;
  for (let s = 0; s < subset; s++) {
    const b = entry(heap, index, s);
    for (let i = 0; i < tokens_width; i++) {
      const to = (dbranch >> 2) + s * tokens_width + i;
      const weight = factor(heap, scale, b) * factor(heap, gamma, i % width);
      f32[to] = weight * f32[(dy >> 2) + b * tokens_width + i] + (beta === 0 ? 0 : f32[to]);
    }
  }
}

export function residual_grad_gamma_f32(
  heap: Heap,
  width: number,
  tokens_width: number,
  subset: number,
  dy: number,
  branch: number,
  index: number,
  scale: number,
  beta: number,
  dgamma: number,
): void {
  const { f32 } = heap;
  for (let c = 0; c < width; c++) {
    let sum = beta === 0 ? 0 : f32[(dgamma >> 2) + c];
    for (let s = 0; s < subset; s++) {
      const b = entry(heap, index, s);
      for (let i = c; i < tokens_width; i += width) {
        sum +=
          factor(heap, scale, b) * f32[(dy >> 2) + b * tokens_width + i] * f32[(branch >> 2) + s * tokens_width + i];
      }
    }
    f32[(dgamma >> 2) + c] = sum;
  }
}
