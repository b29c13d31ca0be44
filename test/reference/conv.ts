import type { Heap } from "../../src/runtime/heap.js";
import { packedIndex } from "./pack.js";
import { outputAt, readWindow, seenAt } from "./window.js";

export function conv_f32(
  heap: Heap,
  pixels: number,
  n: number,
  channels: number,
  window: number,
  x: number,
  from: number,
  terms: number,
  packed: number,
  bias: number,
  beta: number,
  y: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  for (let p = 0; p < pixels; p++) {
    for (let o = 0; o < n; o++) {
      let sum = 0;
      for (let i = 0; i < terms; i++) {
        const tap = Math.floor((from + i) / channels);
        const at = seenAt(w, p, Math.floor(tap / w.tapsX), tap % w.tapsX);
        if (at >= 0) sum += f32[(x >> 2) + at + ((from + i) % channels)] * f32[packedIndex(packed, terms, i, o)];
      }
      const to = (y >> 2) + outputAt(w, p) + o;
      f32[to] = sum + (bias === 0 ? 0 : f32[(bias >> 2) + o]) + (beta === 0 ? 0 : f32[to]);
    }
  }
}

export function conv_pack_weight_f32(
  { f32 }: Heap,
  panels: number,
  n: number,
  channels: number,
  taps_x: number,
  from: number,
  terms: number,
  alpha: number,
  w: number,
  out_stride: number,
  channel_stride: number,
  y_stride: number,
  x_stride: number,
  packed: number,
): void {
  for (let o = 0; o < 8 * panels; o++) {
    for (let i = 0; i < terms; i++) {
      const tap = Math.floor((from + i) / channels);
      const at = Math.floor(tap / taps_x) * y_stride + (tap % taps_x) * x_stride;
      const index = (w >> 2) + o * out_stride + ((from + i) % channels) * channel_stride + at;
      f32[packedIndex(packed, terms, i, o)] = o < n ? alpha * f32[index] : 0;
    }
  }
}
