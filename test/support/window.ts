import type { TestMemory } from "./kernels.js";

/** A window over images, as a test describes it: one number for rows and columns, or both. */
export interface WindowCase {
  batch?: number;
  height: number;
  width: number;
  channels: number;
  /** Elements from pixel to pixel; default: the channels. */
  pixel?: number;
  taps: [number, number];
  stride?: [number, number];
  /** Default: no padding. */
  first?: [number, number];
  step?: [number, number];
  /** Default: as many as fit. */
  outputs?: [number, number];
  /** Default: dense, of as many channels as asked for. */
  places?: { image: number; row: number; pixel: number };
}

export interface LaidWindow {
  window: number;
  batch: number;
  /** Source pixels and output pixels of all images. */
  sources: number;
  pixels: number;
  pixel: number;
  /** Elements that x spans, and y if it is not dense. */
  xWords: number;
  yWords: number;
  taps: number;
}

/** Lays the numbers of a window out in memory and counts what it reads and writes. */
export function layWindow(memory: TestMemory, features: number, testCase: WindowCase): LaidWindow {
  const { batch = 2, height, width, channels, taps, stride = [1, 1], first = [0, 0], step = [1, 1] } = testCase;
  const pixel = testCase.pixel ?? channels;
  const fit = (size: number, i: 0 | 1) =>
    Math.floor((size - 2 * first[i] - step[i] * (taps[i] - 1) - 1) / stride[i]) + 1;
  const [rows, columns] = testCase.outputs ?? [fit(height, 0), fit(width, 1)];
  const places = testCase.places ?? { image: rows * columns * features, row: columns * features, pixel: features };
  const numbers = [height, width, pixel, rows, columns, ...taps, ...stride, ...first, ...step];
  const window = memory.ints([...numbers, places.image, places.row, places.pixel]);
  const span = (count: number, distance: number) => Math.max(0, count - 1) * distance;
  return {
    window,
    batch,
    sources: batch * height * width,
    pixels: batch * rows * columns,
    pixel,
    xWords: span(batch * height * width, pixel) + channels,
    yWords: span(batch, places.image) + span(rows, places.row) + span(columns, places.pixel) + features,
    taps: taps[0] * taps[1],
  };
}

/** Windows that reach every branch: paddings, strides, dilations, reversed steps, taps that see nothing, single pixels. */
export const windows: readonly (readonly [string, Omit<WindowCase, "channels">])[] = [
  ["3x3 with padding", { height: 5, width: 6, taps: [3, 3], first: [-1, -1] }],
  ["3x3 without padding", { height: 5, width: 7, taps: [3, 3] }],
  ["7x7 with stride 2 and padding 3", { height: 11, width: 12, taps: [7, 7], stride: [2, 2], first: [-3, -3] }],
  ["2x3 with strides 1 and 3", { height: 6, width: 8, taps: [2, 3], stride: [1, 3] }],
  ["3x3 with dilation 2 and 3", { height: 7, width: 9, taps: [3, 3], first: [-2, -3], step: [2, 3] }],
  ["1x1 with stride 2", { height: 5, width: 5, taps: [1, 1], stride: [2, 2] }],
  ["1x4 with reversed steps", { height: 3, width: 6, taps: [1, 4], first: [0, 2], step: [1, -1], outputs: [3, 6] }],
  ["taps far outside", { height: 2, width: 2, taps: [3, 3], first: [-4, 5], step: [2, 2], outputs: [3, 2] }],
  ["one pixel", { batch: 1, height: 1, width: 1, taps: [1, 1] }],
  ["no images", { batch: 0, height: 3, width: 3, taps: [2, 2] }],
];
