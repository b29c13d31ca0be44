import type { Heap } from "../../src/runtime/heap.js";

/** log Σ exp(z) */
export function logSumExp(z: readonly number[]): number {
  const top = z.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

/** Row r of a matrix, copied. */
export function row({ f32 }: Heap, base: number, r: number, cols: number, ld: number): number[] {
  const at = (base >> 2) + r * ld;
  return Array.from(f32.subarray(at, at + cols));
}

/** out[r] = values + β·out[r] */
export function writeRow(
  { f32 }: Heap,
  base: number,
  r: number,
  ld: number,
  values: readonly number[],
  beta: number,
): void {
  const at = (base >> 2) + r * ld;
  values.forEach((value, c) => {
    f32[at + c] = value + (beta === 0 ? 0 : f32[at + c]);
  });
}

/** a·b */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, c) => sum + value * b[c], 0);
}
