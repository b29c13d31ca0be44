import type { Heap } from "../../src/runtime/heap.js";
import { outputAt, readWindow, seenAt } from "./window.js";

export function conv_depthwise_f32(
  heap: Heap,
  pixels: number,
  channels: number,
  window: number,
  x: number,
  w: number,
  bias: number,
  beta: number,
  y: number,
): void {
  const { f32 } = heap;
  const view = readWindow(heap, window);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      let sum = bias === 0 ? 0 : f32[(bias >> 2) + c];
      for (let tap = 0; tap < view.tapsY * view.tapsX; tap++) {
        const at = seenAt(view, p, Math.floor(tap / view.tapsX), tap % view.tapsX);
        if (at >= 0) sum += f32[(x >> 2) + at + c] * f32[(w >> 2) + tap * channels + c];
      }
      const to = (y >> 2) + outputAt(view, p) + c;
      f32[to] = sum + (beta === 0 ? 0 : f32[to]);
    }
  }
}

export function conv_depthwise_grad_weight_f32(
  heap: Heap,
  channels: number,
  pixels: number,
  window: number,
  x: number,
  dy: number,
  lddy: number,
  alpha: number,
  dw: number,
): void {
  const { f32 } = heap;
  const view = readWindow(heap, window);
  for (let tap = 0; tap < view.tapsY * view.tapsX; tap++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let p = 0; p < pixels; p++) {
        const at = seenAt(view, p, Math.floor(tap / view.tapsX), tap % view.tapsX);
        if (at >= 0) sum += f32[(dy >> 2) + p * lddy + c] * f32[(x >> 2) + at + c];
      }
      f32[(dw >> 2) + tap * channels + c] = alpha * sum;
    }
  }
}
