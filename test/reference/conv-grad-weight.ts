import type { Heap } from "../../src/runtime/heap.js";
import { readWindow, seenAt } from "./window.js";

export function conv_grad_weight_f32(
  heap: Heap,
  _panels: number,
  n: number,
  channels: number,
  pixels: number,
  window: number,
  x: number,
  dy: number,
  lddy: number,
  alpha: number,
  beta: number,
  dw: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  const terms = w.tapsY * w.tapsX * channels;
  for (let o = 0; o < n; o++) {
    for (let t = 0; t < terms; t++) {
      const tap = Math.floor(t / channels);
      let sum = 0;
      for (let p = 0; p < pixels; p++) {
        const at = seenAt(w, p, Math.floor(tap / w.tapsX), tap % w.tapsX);
        if (at >= 0) sum += f32[(dy >> 2) + p * lddy + o] * f32[(x >> 2) + at + (t % channels)];
      }
      const to = (dw >> 2) + o * terms + t;
      f32[to] = alpha * sum + (beta === 0 ? 0 : f32[to]);
    }
  }
}
