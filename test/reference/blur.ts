import type { Heap } from "../../src/runtime/heap.js";

export function blur_u8(
  heap: Heap,
  rows: number,
  cols: number,
  channels: number,
  src: number,
  weights: number,
  radius: number,
  dst: number,
): void {
  const reflect = (i: number, n: number) => (i < 0 ? -i : i < n ? i : 2 * n - 2 - i);
  const weight = (d: number) => heap.f32[(weights >> 2) + Math.abs(d)];
  for (let r = 0; r < rows; r++)
    for (let x = 0; x < cols; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = -radius; i <= radius; i++)
          for (let j = -radius; j <= radius; j++) {
            const at = (reflect(r + i, rows) * cols + reflect(x + j, cols)) * channels + c;
            sum += weight(i) * weight(j) * heap.u8[src + at];
          }
        heap.u8[dst + (r * cols + x) * channels + c] = Math.round(sum);
      }
}
