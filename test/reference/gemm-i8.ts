import type { Heap } from "../../src/runtime/heap.js";

const LARGEST_WEIGHT = 127;

/** The heap's memory as halves of words. */
const words16 = ({ u8 }: Heap) => new Int16Array(u8.buffer, u8.byteOffset, u8.length >> 1);
const bytes = ({ u8 }: Heap) => new Int8Array(u8.buffer, u8.byteOffset, u8.length);

export function pack_a_i16(
  heap: Heap,
  strips: number,
  k: number,
  rows: number,
  x: number,
  ldx: number,
  limit: number,
  packed: number,
  scales: number,
): void {
  const { f32 } = heap;
  const pairs = Math.ceil(k / 2);
  for (let r = 0; r < 4 * strips; r++) {
    const row = r < rows ? f32.slice((x >> 2) + r * ldx, (x >> 2) + r * ldx + k) : new Float32Array(k);
    const scale = scaleOf(row, limit);
    f32[(scales >> 2) + r] = scale;
    const rounded = roundedRow(row, scale);
    for (let i = 0; i < 2 * pairs; i++) {
      words16(heap)[(packed >> 1) + 8 * ((r >> 2) * pairs + (i >> 1)) + 2 * (r & 3) + (i & 1)] = rounded[i] ?? 0;
    }
  }
}

export function pack_b_i8(
  heap: Heap,
  panels: number,
  n: number,
  k: number,
  w: number,
  ldw: number,
  packed: number,
  scales: number,
): void {
  const { f32 } = heap;
  const pairs = Math.ceil(k / 2);
  for (let j = 0; j < 8 * panels; j++) {
    const row = j < n ? f32.slice((w >> 2) + j * ldw, (w >> 2) + j * ldw + k) : new Float32Array(k);
    const scale = scaleOf(row, LARGEST_WEIGHT);
    f32[(scales >> 2) + j] = scale;
    const rounded = roundedRow(row, scale);
    for (let i = 0; i < 2 * pairs; i++) {
      bytes(heap)[packed + 16 * ((j >> 3) * pairs + (i >> 1)) + 2 * (j & 7) + (i & 1)] = rounded[i] ?? 0;
    }
  }
}

export function gemm_i8(
  heap: Heap,
  _strips: number,
  n: number,
  k: number,
  rows: number,
  a: number,
  row_scales: number,
  packed: number,
  column_scales: number,
  bias: number,
  c: number,
  ldc: number,
): void {
  const { f32 } = heap;
  const pairs = Math.ceil(k / 2);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let i = 0; i < 2 * pairs; i++) {
        const left = words16(heap)[(a >> 1) + 8 * ((r >> 2) * pairs + (i >> 1)) + 2 * (r & 3) + (i & 1)];
        sum += left * bytes(heap)[packed + 16 * ((j >> 3) * pairs + (i >> 1)) + 2 * (j & 7) + (i & 1)];
      }
      const scale = Math.fround(f32[(row_scales >> 2) + r] * f32[(column_scales >> 2) + j]);
      const product = Math.fround(Math.fround(sum) * scale);
      f32[(c >> 2) + r * ldc + j] = bias === 0 ? product : product + f32[(bias >> 2) + j];
    }
  }
}

function scaleOf(row: ArrayLike<number>, limit: number): number {
  let largest = 0;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, Math.abs(row[i]));
  return Math.fround(Math.fround(largest) / limit);
}

/** Divided by the scale as the kernel does, halves to even. */
function roundedRow(row: ArrayLike<number>, scale: number): number[] {
  const factor = scale === 0 ? 0 : Math.fround(1 / scale);
  return Array.from({ length: row.length }, (_, i) => {
    const x = Math.fround(row[i] * factor);
    const near = Math.round(x);
    return Math.abs(x % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near;
  });
}
