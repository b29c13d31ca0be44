import type { Heap } from "../../src/runtime/heap.js";

export function gelu_f32(heap: Heap, n: number, x: number, y: number): void {
  for (let i = 0; i < n; i++) heap.f32[(y >> 2) + i] = heap.f32[(x >> 2) + i];
}
