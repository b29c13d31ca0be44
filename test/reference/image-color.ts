import type { Heap } from "../../src/runtime/heap.js";

// Blending and hue name single precision where Pillow has it, since bytes are cut, not rounded: a reference in pure double
// precision would differ by a level.
const single = Math.fround;

function blend(d: number, factor: number, s: number): number {
  const value = single(d + single(single(factor) * (s - d)));
  return Math.min(Math.max(Math.trunc(value), 0), 255);
}

function luma(heap: Heap, at: number): number {
  return (19595 * heap.u8[at] + 38470 * heap.u8[at + 1] + 7471 * heap.u8[at + 2] + 0x8000) >> 16;
}

export function brightness_u8(
  heap: Heap,
  rows: number,
  rowBytes: number,
  src: number,
  factor: number,
  dst: number,
): void {
  for (let i = 0; i < rows * rowBytes; i++) heap.u8[dst + i] = blend(0, factor, heap.u8[src + i]);
}

export function luma_sums_u8(
  heap: Heap,
  rows: number,
  cols: number,
  channels: number,
  src: number,
  sums: number,
): void {
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let x = 0; x < cols; x++) {
      const at = src + (r * cols + x) * channels;
      sum += channels === 3 ? luma(heap, at) : heap.u8[at];
    }
    heap.i32[(sums >> 2) + r] = sum;
  }
}

export function contrast_u8(
  heap: Heap,
  rows: number,
  cols: number,
  channels: number,
  src: number,
  sums: number,
  factor: number,
  dst: number,
): void {
  let total = 0;
  for (let r = 0; r < rows; r++) total += heap.i32[(sums >> 2) + r];
  const mean = Math.floor(total / (rows * cols) + 0.5);
  for (let i = 0; i < rows * cols * channels; i++) heap.u8[dst + i] = blend(mean, factor, heap.u8[src + i]);
}

export function saturation_u8(heap: Heap, rows: number, cols: number, src: number, factor: number, dst: number): void {
  for (let i = 0; i < rows * cols; i++) {
    const l = luma(heap, src + 3 * i);
    for (let c = 0; c < 3; c++) heap.u8[dst + 3 * i + c] = blend(l, factor, heap.u8[src + 3 * i + c]);
  }
}

export function grayscale_u8(heap: Heap, rows: number, cols: number, src: number, dst: number): void {
  for (let i = 0; i < rows * cols; i++) {
    const l = luma(heap, src + 3 * i);
    for (let c = 0; c < 3; c++) heap.u8[dst + 3 * i + c] = l;
  }
}

/** Pillow's RGB to HSV, after Python's colorsys, with its mixture of single and double precision. */
function toHsv(r: number, g: number, b: number): [number, number, number] {
  const high = Math.max(r, g, b);
  const range = high - Math.min(r, g, b);
  if (range === 0) return [0, 0, high];
  const [rc, gc, bc] = [r, g, b].map((x) => single((high - x) / range));
  const sixths = single(r === high ? bc - gc : g === high ? 2 + rc - bc : 4 + gc - rc);
  const hue = single((sixths / 6 + 1) % 1);
  return [Math.trunc(hue * 255), Math.trunc(single(range / high) * 255), high];
}

function toRgb(h: number, s: number, v: number): [number, number, number] {
  if (s === 0) return [v, v, v];
  const sixths = (h * 6) / 255;
  const f = single(sixths - Math.floor(sixths));
  const fs = single(s / 255);
  const p = Math.floor(v * (1 - fs) + 0.5);
  const q = Math.floor(v * (1 - single(fs * f)) + 0.5);
  const t = Math.floor(v * (1 - fs * (1 - f)) + 0.5);
  const sextants: [number, number, number][] = [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ];
  return sextants[Math.floor(sixths) % 6];
}

export function hue_u8(heap: Heap, rows: number, cols: number, src: number, shift: number, dst: number): void {
  for (let at = 0; at < 3 * rows * cols; at += 3) {
    const [h, s, v] = toHsv(heap.u8[src + at], heap.u8[src + at + 1], heap.u8[src + at + 2]);
    toRgb((h + shift) & 255, s, v).forEach((value, c) => {
      heap.u8[dst + at + c] = value;
    });
  }
}

export function solarize_u8(
  heap: Heap,
  rows: number,
  rowBytes: number,
  src: number,
  threshold: number,
  dst: number,
): void {
  for (let i = 0; i < rows * rowBytes; i++) {
    const s = heap.u8[src + i];
    heap.u8[dst + i] = s < threshold ? s : 255 - s;
  }
}
