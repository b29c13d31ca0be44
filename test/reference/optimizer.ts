import type { Heap } from "../../src/runtime/heap.js";

export function adamw_f32(
  heap: Heap,
  n: number,
  p: number,
  g: number,
  m: number,
  v: number,
  decay: number,
  step: number,
  oneMinusBeta1: number,
  oneMinusBeta2: number,
  eps: number,
  inverseRootBias2: number,
  gradScale: number,
  t: number,
  oneMinusMomentum: number,
): void {
  const { f32 } = heap;
  for (let i = 0; i < n; i++) {
    const gradient = gradScale * f32[(g >> 2) + i];
    const first = (1 - oneMinusBeta1) * f32[(m >> 2) + i] + oneMinusBeta1 * gradient;
    const second = (1 - oneMinusBeta2) * f32[(v >> 2) + i] + oneMinusBeta2 * gradient ** 2;
    f32[(m >> 2) + i] = first;
    f32[(v >> 2) + i] = second;
    f32[(p >> 2) + i] = (1 - decay) * f32[(p >> 2) + i] - (step * first) / (Math.sqrt(second) * inverseRootBias2 + eps);
  }
  if (t !== 0) ema_f32(heap, n, oneMinusMomentum, p, t);
}

export function sgd_f32(
  heap: Heap,
  n: number,
  p: number,
  g: number,
  buffer: number,
  lr: number,
  momentum: number,
  weightDecay: number,
  gradScale: number,
): void {
  const { f32 } = heap;
  for (let i = 0; i < n; i++) {
    const gradient = gradScale * f32[(g >> 2) + i] + weightDecay * f32[(p >> 2) + i];
    const velocity = momentum * f32[(buffer >> 2) + i] + gradient;
    f32[(buffer >> 2) + i] = velocity;
    f32[(p >> 2) + i] -= lr * velocity;
  }
}

export function ema_f32(heap: Heap, n: number, oneMinusMomentum: number, s: number, t: number): void {
  for (let i = 0; i < n; i++) {
    heap.f32[(t >> 2) + i] =
      (1 - oneMinusMomentum) * heap.f32[(t >> 2) + i] + oneMinusMomentum * heap.f32[(s >> 2) + i];
  }
}
