import type { Heap } from "../../src/runtime/heap.js";

const NAMES = [
  "height",
  "width",
  "pixel",
  "rows",
  "columns",
  "tapsY",
  "tapsX",
  "strideY",
  "strideX",
  "firstY",
  "firstX",
  "stepY",
  "stepX",
  "outImage",
  "outRow",
  "outPixel",
] as const;

/** The numbers of assembly/window.ts by name. */
export type Window = Record<(typeof NAMES)[number], number>;

export function readWindow({ i32 }: Heap, window: number): Window {
  return Object.fromEntries(NAMES.map((name, i) => [name, i32[(window >> 2) + i]])) as Window;
}

/** The place of an output pixel: its image, row and column. */
export function placeOf({ rows, columns }: Window, p: number): { image: number; row: number; column: number } {
  return { image: Math.floor(p / (rows * columns)), row: Math.floor(p / columns) % rows, column: p % columns };
}

/** Index of channel 0 of what output pixel p sees through a tap, in elements from the first image; −1 outside. */
export function seenAt(w: Window, p: number, tapY: number, tapX: number): number {
  const { image, row, column } = placeOf(w, p);
  const y = row * w.strideY + w.firstY + tapY * w.stepY;
  const x = column * w.strideX + w.firstX + tapX * w.stepX;
  return y >= 0 && y < w.height && x >= 0 && x < w.width ? ((image * w.height + y) * w.width + x) * w.pixel : -1;
}

/** Index of channel 0 of an output pixel, in elements. */
export function outputAt(w: Window, p: number): number {
  const { image, row, column } = placeOf(w, p);
  return image * w.outImage + row * w.outRow + column * w.outPixel;
}
