import type { Heap } from "../../src/runtime/heap.js";
import { normalCdf, normalQuantile } from "../../src/tensor/normal-distribution.js";

const MASK = 0xffffffffn;

/** Word i of Philox 4×32-10, four per block, by the definition in exact integers. */
function word(i: number, key0: number, key1: number, counter0: number, counter1: number): number {
  const counter = ((BigInt(counter1 >>> 0) << 32n) | BigInt(counter0 >>> 0)) + BigInt(Math.floor(i / 4));
  let c = [counter & MASK, (counter >> 32n) & MASK, 0n, 0n];
  let [k0, k1] = [BigInt(key0 >>> 0), BigInt(key1 >>> 0)];
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * c[0];
    const product1 = 0xcd9e8d57n * c[2];
    c = [(product1 >> 32n) ^ c[1] ^ k0, product1 & MASK, (product0 >> 32n) ^ c[3] ^ k1, product0 & MASK];
    k0 = (k0 + 0x9e3779b9n) & MASK;
    k1 = (k1 + 0xbb67ae85n) & MASK;
  }
  return Number(c[i % 4]);
}

export function uniform_f32(
  heap: Heap,
  n: number,
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  low: number,
  high: number,
  y: number,
): void {
  for (let i = 0; i < n; i++) {
    const u = Math.floor(word(i, key0, key1, counter0, counter1) / 256) / 2 ** 24;
    heap.f32[(y >> 2) + i] = low + (high - low) * u;
  }
}

export function normal_f32(
  heap: Heap,
  n: number,
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  mean: number,
  std: number,
  y: number,
): void {
  for (let i = 0; i < n; i++) {
    const u = (word(i, key0, key1, counter0, counter1) + 0.5) / 2 ** 32;
    heap.f32[(y >> 2) + i] = mean + std * normalQuantile(u);
  }
}

export function truncated_normal_f32(
  heap: Heap,
  n: number,
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  mean: number,
  std: number,
  boundLow: number,
  boundHigh: number,
  y: number,
): void {
  const below = normalCdf((boundLow - mean) / std);
  const above = normalCdf((boundHigh - mean) / std);
  for (let i = 0; i < n; i++) {
    const u = (word(i, key0, key1, counter0, counter1) + 0.5) / 2 ** 32;
    const x = mean + std * normalQuantile(below + (above - below) * u);
    heap.f32[(y >> 2) + i] = Math.max(boundLow, Math.min(boundHigh, x));
  }
}
