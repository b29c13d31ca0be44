import type { Heap } from "../../src/runtime/heap.js";

const clipByte = (x: number) => Math.min(Math.max(x, 0), 255);

export function resize_horizontal_u8(
  heap: Heap,
  rows: number,
  width: number,
  channels: number,
  src: number,
  ld: number,
  taps: number,
  bounds: number,
  weights: number,
  dst: number,
): void {
  for (let r = 0; r < rows; r++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const first = heap.i32[(bounds >> 2) + 2 * x];
        const count = heap.i32[(bounds >> 2) + 2 * x + 1];
        let sum = 2 ** 21;
        for (let t = 0; t < count; t++) {
          sum += heap.i32[(weights >> 2) + x * taps + t] * heap.u8[src + r * ld + (first + t) * channels + c];
        }
        heap.u8[dst + (r * width + x) * channels + c] = clipByte(Math.floor(sum / 2 ** 22));
      }
}

export function resize_vertical_u8(
  heap: Heap,
  rows: number,
  rowBytes: number,
  src: number,
  ld: number,
  taps: number,
  bounds: number,
  weights: number,
  dst: number,
): void {
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < rowBytes; i++) {
      const first = heap.i32[(bounds >> 2) + 2 * r];
      const count = heap.i32[(bounds >> 2) + 2 * r + 1];
      let sum = 2 ** 21;
      for (let t = 0; t < count; t++)
        sum += heap.i32[(weights >> 2) + r * taps + t] * heap.u8[src + (first + t) * ld + i];
      heap.u8[dst + r * rowBytes + i] = clipByte(Math.floor(sum / 2 ** 22));
    }
}

export function rotate_u8(
  heap: Heap,
  rows: number,
  cols: number,
  channels: number,
  top: number,
  left: number,
  height: number,
  width: number,
  src: number,
  cos: number,
  sin: number,
  tx: number,
  ty: number,
  dst: number,
): void {
  const pixel = (y: number, x: number, c: number) => {
    const row = Math.min(Math.max(y, 0), height - 1);
    const col = Math.min(Math.max(x, 0), width - 1);
    return heap.u8[src + (row * width + col) * channels + c];
  };
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < cols; k++)
      for (let c = 0; c < channels; c++) {
        const u = left + k + 0.5;
        const v = top + r + 0.5;
        const x = cos * u + sin * v + tx;
        const y = -sin * u + cos * v + ty;
        const inside = x >= 0 && x < width && y >= 0 && y < height;
        const x0 = Math.floor(x - 0.5);
        const y0 = Math.floor(y - 0.5);
        const dx = x - 0.5 - x0;
        const dy = y - 0.5 - y0;
        const upper = pixel(y0, x0, c) + (pixel(y0, x0 + 1, c) - pixel(y0, x0, c)) * dx;
        const lower = pixel(y0 + 1, x0, c) + (pixel(y0 + 1, x0 + 1, c) - pixel(y0 + 1, x0, c)) * dx;
        heap.u8[dst + (r * cols + k) * channels + c] = inside ? Math.trunc(upper + (lower - upper) * dy) : 0;
      }
}

export function normalize_f32(
  heap: Heap,
  rows: number,
  cols: number,
  channels: number,
  src: number,
  mean: number,
  std: number,
  dst: number,
): void {
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < rows * cols; i++) {
      const value = heap.u8[src + i * channels + c] / 255 - heap.f32[(mean >> 2) + c];
      heap.f32[(dst >> 2) + c * rows * cols + i] = value / heap.f32[(std >> 2) + c];
    }
}
