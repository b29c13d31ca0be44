import type { Heap } from "../../src/runtime/heap.js";
import { readWindow, type Window } from "./window.js";

const HEADER = 4;
const SEGMENT = 8;

interface Segment {
  readonly row: number;
  readonly column: number;
  readonly taps: number;
  /** First lanes of the vectors. */
  readonly lanes: readonly number[];
  readonly weights: number;
}

function segmentsOf({ i32 }: Heap, plan: number, count: number): Segment[] {
  return Array.from({ length: count }, (_, s) => {
    const at = (plan >> 2) + HEADER + s * SEGMENT;
    const [row, column, taps, vectors, ...rest] = i32.slice(at, at + SEGMENT);
    return { row, column, taps, lanes: rest.slice(0, vectors), weights: rest[3] };
  });
}

/** The pixel among those of a place, and the channel, that a lane stands for. */
const laneOf = ({ strideX }: Window, inputs: number, lane: number) => {
  const pixel = Math.floor(lane / inputs);
  return { r: Math.floor(pixel / strideX), s: pixel % strideX, c: lane % inputs };
};

export function conv_phases_f32(
  heap: Heap,
  lines: number,
  inputs: number,
  outputs: number,
  segments: number,
  window: number,
  plan: number,
  dy: number,
  packed: number,
  beta: number,
  dx: number,
): void {
  const { f32 } = heap;
  const w = readWindow(heap, window);
  const down = Math.ceil(w.height / w.strideY);
  const images = down === 0 ? 0 : lines / down;
  const list = segmentsOf(heap, plan, segments);
  for (let at = 0; at < images * w.height * w.width * inputs; at++) {
    const [c, pixel] = [at % inputs, Math.floor(at / inputs)];
    const [x, y] = [pixel % w.width, Math.floor(pixel / w.width) % w.height];
    const image = Math.floor(pixel / (w.width * w.height));
    const lane = ((y % w.strideY) * w.strideX + (x % w.strideX)) * inputs + c;
    let sum = 0;
    for (const { row, column, taps, lanes, weights } of list) {
      const i = Math.floor(y / w.strideY) + row;
      const vector = lanes.findIndex((from) => lane >= from && lane < from + 4);
      if (vector < 0 || i < 0 || i >= w.rows) continue;
      for (let t = 0; t < taps; t++) {
        const j = Math.floor(x / w.strideX) + column + t;
        if (j < 0 || j >= w.columns) continue;
        for (let o = 0; o < outputs; o++) {
          const from = (packed >> 2) + weights + (t * outputs + o) * 4 * lanes.length;
          const gradient = f32[(dy >> 2) + image * w.outImage + i * w.outRow + j * w.outPixel + o];
          sum += gradient * f32[from + 4 * vector + lane - lanes[vector]];
        }
      }
    }
    const to = (dx >> 2) + pixel * w.pixel + c;
    f32[to] = sum + (beta === 0 ? 0 : f32[to]);
  }
}

export function conv_phases_weight_f32(
  heap: Heap,
  segments: number,
  inputs: number,
  outputs: number,
  alpha: number,
  window: number,
  plan: number,
  w: number,
  out_stride: number,
  channel_stride: number,
  y_stride: number,
  x_stride: number,
  packed: number,
): void {
  const { f32 } = heap;
  const shape = readWindow(heap, window);
  const n = shape.strideY * shape.strideX * inputs;
  for (const { row, column, taps, lanes, weights } of segmentsOf(heap, plan, segments)) {
    for (let at = 0; at < taps * outputs * 4 * lanes.length; at++) {
      const term = Math.floor(at / (4 * lanes.length));
      const lane = lanes[Math.floor(at / 4) % lanes.length] + (at % 4);
      const { r, s, c } = laneOf(shape, inputs, lane);
      const tapY = r - shape.firstY - row * shape.strideY;
      const tapX = s - shape.firstX - (column + Math.floor(term / outputs)) * shape.strideX;
      const seen = lane < n && tapY >= 0 && tapY < shape.tapsY && tapX >= 0 && tapX < shape.tapsX;
      const from = (term % outputs) * out_stride + c * channel_stride + tapY * y_stride + tapX * x_stride;
      f32[(packed >> 2) + weights + at] = seen ? alpha * f32[(w >> 2) + from] : 0;
    }
  }
}
