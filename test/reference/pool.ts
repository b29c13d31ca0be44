import type { Heap } from "../../src/runtime/heap.js";
import { readWindow, seenAt, type Window } from "./window.js";

export function max_pool_f32(
  heap: Heap,
  pixels: number,
  channels: number,
  window: number,
  x: number,
  y: number,
  taps: number,
): void {
  const { f32, i32 } = heap;
  const w = readWindow(heap, window);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      let best = Number.NEGATIVE_INFINITY;
      let chosen = -1;
      eachSeen(w, p, (at, tap) => {
        const value = f32[(x >> 2) + at + c];
        if (chosen >= 0 && !(value > best) && !Number.isNaN(value)) return;
        best = value;
        chosen = tap;
      });
      f32[(y >> 2) + p * channels + c] = best;
      i32[(taps >> 2) + p * channels + c] = Math.max(chosen, 0);
    }
  }
}

export function max_pool_grad_f32(
  heap: Heap,
  pixels: number,
  channels: number,
  window: number,
  dy: number,
  taps: number,
  beta: number,
  dx: number,
): void {
  const { f32, i32 } = heap;
  const w = readWindow(heap, window);
  if (beta === 0) clear(heap, w, { pixels, channels, dx });
  for (let p = 0; p < outputsOf(w, pixels); p++) {
    eachSeen(w, p, (at, tap) => {
      for (let c = 0; c < channels; c++) {
        const from = p * channels + c;
        if (i32[(taps >> 2) + from] === tap) f32[(dx >> 2) + at + c] += f32[(dy >> 2) + from];
      }
    });
  }
}

export function avg_pool_f32(
  heap: Heap,
  pixels: number,
  channels: number,
  window: number,
  inside: number,
  x: number,
  y: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      eachSeen(w, p, (at) => {
        sum += f32[(x >> 2) + at + c];
      });
      f32[(y >> 2) + p * channels + c] = sum / divisor(w, p, inside);
    }
  }
}

export function avg_pool_grad_f32(
  heap: Heap,
  pixels: number,
  channels: number,
  window: number,
  inside: number,
  dy: number,
  beta: number,
  dx: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  if (beta === 0) clear(heap, w, { pixels, channels, dx });
  for (let p = 0; p < outputsOf(w, pixels); p++) {
    eachSeen(w, p, (at) => {
      for (let c = 0; c < channels; c++) {
        f32[(dx >> 2) + at + c] += f32[(dy >> 2) + p * channels + c] / divisor(w, p, inside);
      }
    });
  }
}

/** Every tap of output pixel p that lies inside the image. */
function eachSeen(w: Window, p: number, visit: (at: number, tap: number) => void): void {
  for (let tap = 0; tap < w.tapsY * w.tapsX; tap++) {
    const at = seenAt(w, p, Math.floor(tap / w.tapsX), tap % w.tapsX);
    if (at >= 0) visit(at, tap);
  }
}

function divisor(w: Window, p: number, inside: number): number {
  if (inside !== 1) return w.tapsY * w.tapsX;
  let count = 0;
  eachSeen(w, p, () => {
    count++;
  });
  return count;
}

const outputsOf = (w: Window, sources: number) => (sources / (w.height * w.width)) * w.rows * w.columns || 0;

function clear({ f32 }: Heap, w: Window, to: { pixels: number; channels: number; dx: number }): void {
  for (let q = 0; q < to.pixels; q++) {
    f32.fill(0, (to.dx >> 2) + q * w.pixel, (to.dx >> 2) + q * w.pixel + to.channels);
  }
}
