import type { Heap } from "../../src/runtime/heap.js";

export function patchify_f32(
  { f32 }: Heap,
  patches: number,
  channels: number,
  height: number,
  width: number,
  patch: number,
  x: number,
  y: number,
): void {
  const across = width / patch;
  const perImage = (height / patch) * across;
  for (let at = 0; at < patches; at++) {
    const b = Math.floor(at / perImage);
    const gy = Math.floor((at % perImage) / across);
    const gx = at % across;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < patch; i++) {
        for (let j = 0; j < patch; j++) {
          const from = ((b * channels + c) * height + gy * patch + i) * width + gx * patch + j;
          f32[(y >> 2) + ((at * channels + c) * patch + i) * patch + j] = f32[(x >> 2) + from];
        }
      }
    }
  }
}
