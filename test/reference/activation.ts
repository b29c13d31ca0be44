import type { Heap } from "../../src/runtime/heap.js";

/** erfc(z) for z ≥ 0 to double precision: the series of erf near 0, the continued fraction of erfc beyond. */
function erfc(z: number): number {
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
}

/** Φ(x), the standard normal distribution function. */
function normalCdf(x: number): number {
  const tail = erfc(Math.abs(x) / Math.SQRT2) / 2;
  return x < 0 ? tail : 1 - tail;
}

const normalDensity = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

export function gelu_f32({ f32 }: Heap, n: number, x: number, y: number): void {
  for (let i = 0; i < n; i++) {
    const value = f32[(x >> 2) + i];
    f32[(y >> 2) + i] = value * normalCdf(value);
  }
}

export function gelu_grad_f32({ f32 }: Heap, n: number, x: number, dy: number, beta: number, dx: number): void {
  for (let i = 0; i < n; i++) {
    const value = f32[(x >> 2) + i];
    const before = beta === 0 ? 0 : f32[(dx >> 2) + i];
    f32[(dx >> 2) + i] = f32[(dy >> 2) + i] * (normalCdf(value) + value * normalDensity(value)) + before;
  }
}

export function relu_f32({ f32 }: Heap, n: number, x: number, y: number): void {
  for (let i = 0; i < n; i++) {
    const value = f32[(x >> 2) + i];
    f32[(y >> 2) + i] = Math.max(value, 0);
  }
}

export function add_relu_f32({ f32 }: Heap, n: number, a: number, b: number, y: number): void {
  for (let i = 0; i < n; i++) {
    const value = f32[(a >> 2) + i] + f32[(b >> 2) + i];
    f32[(y >> 2) + i] = Math.max(value, 0);
  }
}

export function relu_grad_f32({ f32 }: Heap, n: number, y: number, dy: number, beta: number, dx: number): void {
  for (let i = 0; i < n; i++) {
    const before = beta === 0 ? 0 : f32[(dx >> 2) + i];
    f32[(dx >> 2) + i] = (f32[(y >> 2) + i] <= 0 ? 0 : f32[(dy >> 2) + i]) + before;
  }
}
