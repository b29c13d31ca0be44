import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { denseStrides } from "../tensor/shape.js";
import { copyStrided } from "./layout.js";
import { type Axis, type Outputs, windowTensor, withTemporaries } from "./window.js";

/** Columns of a packed panel (assembly/pack.ts). */
const PANEL_COLUMNS = 8;
/** The most terms that one kernel call sums (assembly/conv.ts). */
const BLOCK_DEPTH = 384;

/** A weight [out, in, rows, columns] of any strides, in elements; negative strides read taps backwards. */
export interface TapWeight {
  readonly ptr: number;
  readonly out: number;
  readonly in: number;
  readonly row: number;
  readonly column: number;
}

/** y = α·(x ⋆ w) + bias + β·y: windows over images times weights, whatever lies behind either. */
export interface Correlation {
  readonly batch: number;
  readonly axes: readonly [Axis, Axis];
  /** Channels that one output sums over, and the channels of y. */
  readonly channels: number;
  readonly n: number;
  readonly x: number;
  /** Elements from one source pixel to the next. */
  readonly pixel: number;
  readonly weight: TapWeight;
  readonly alpha: number;
  /** Address of n numbers, or 0; only where beta is 0. */
  readonly bias: number;
  readonly beta: number;
  readonly y: number;
  readonly outputs: Outputs;
}

/**
 * Every output of a convolution, as a product of what pixels see with the packed weight. Longer sums are added block by
 * block, as in product.ts.
 */
export function correlate(call: Correlation): void {
  const { batch, axes, channels, n, x, pixel, weight, alpha, bias, beta, y, outputs } = call;
  const [rows, columns] = axes;
  const terms = rows.taps * columns.taps * channels;
  const depth = evenDepth(terms);
  const pixels = batch * rows.outputs * columns.outputs;
  if (terms === 0 && beta === 1) return;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, outputs).ptr;
    const panels = Math.ceil(n / PANEL_COLUMNS);
    const packed = empty([panels * PANEL_COLUMNS * Math.min(depth, terms)]).ptr;
    for (let from = 0; from === 0 || from < terms; from += depth) {
      const count = Math.min(depth, terms - from);
      const first = from === 0;
      const { ptr, out, in: step, row, column } = weight;
      const part = [panels, n, channels, columns.taps, from, count, alpha] as const;
      kernels.conv_pack_weight_f32(...part, ptr, out, step, row, column, packed);
      const source = [pixels, n, channels, window, x, from, count] as const;
      kernels.conv_f32(...source, packed, first ? bias : 0, first ? beta : 1, y);
    }
  });
}

/** As correlate, where output channel c sees source channel c alone; n equals channels and the weight's `in` is not read. */
export function correlateDepthwise(call: Correlation): void {
  const { batch, axes, channels, x, pixel, weight, alpha, bias, beta, y, outputs } = call;
  const [rows, columns] = axes;
  const taps = rows.taps * columns.taps;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, outputs).ptr;
    const packed = empty([taps, channels]).ptr;
    for (let tap = 0; tap < taps; tap++) {
      const at = Math.floor(tap / columns.taps) * weight.row + (tap % columns.taps) * weight.column;
      const to = { ptr: packed + 4 * tap * channels, strides: [1] };
      copyStrided([channels], { ptr: weight.ptr + 4 * at, strides: [weight.out] }, to, 0);
    }
    if (alpha !== 1) kernels.scale_f32(taps * channels, alpha, packed, 0, packed);
    kernels.conv_depthwise_f32(batch * rows.outputs * columns.outputs, channels, window, x, packed, bias, beta, y);
  });
}

/** dw = α·Σ_p dy[p]·seen(p) + β·dw; dy is [pixels, n] with lddy elements from row to row. */
export interface WeightGradient {
  readonly batch: number;
  readonly axes: readonly [Axis, Axis];
  readonly channels: number;
  readonly n: number;
  readonly x: number;
  readonly pixel: number;
  readonly dy: number;
  readonly lddy: number;
  readonly alpha: number;
  readonly beta: 0 | 1;
  readonly dw: TapWeight;
}

/** The gradient of correlate with respect to its weight. */
export function weightGradient(call: WeightGradient): void {
  const { batch, axes, channels, n, x, pixel, dy, lddy, alpha, beta, dw } = call;
  const [rows, columns] = axes;
  const terms = rows.taps * columns.taps * channels;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, NOWHERE).ptr;
    const dense = empty([n, terms]).ptr;
    const pixels = batch * rows.outputs * columns.outputs;
    const source = [Math.ceil(terms / PANEL_COLUMNS), n, channels, pixels, window, x] as const;
    kernels.conv_grad_weight_f32(...source, dy, lddy, alpha, 0, dense);
    const shape = [n, rows.taps, columns.taps, channels];
    const strides = [dw.out, dw.row, dw.column, dw.in];
    copyStrided(shape, { ptr: dense, strides: denseStrides(shape) }, { ptr: dw.ptr, strides }, beta);
  });
}

/** The gradient of correlateDepthwise with respect to its weight. */
export function depthwiseWeightGradient(call: WeightGradient): void {
  const { batch, axes, channels, x, pixel, dy, lddy, alpha, beta, dw } = call;
  const [rows, columns] = axes;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, NOWHERE).ptr;
    const shape = [rows.taps, columns.taps, channels];
    const dense = empty(shape).ptr;
    const pixels = batch * rows.outputs * columns.outputs;
    kernels.conv_depthwise_grad_weight_f32(channels, pixels, window, x, dy, lddy, alpha, dense);
    const strides = [dw.row, dw.column, dw.out];
    copyStrided(shape, { ptr: dense, strides: denseStrides(shape) }, { ptr: dw.ptr, strides }, beta);
  });
}

/** For windows that only read. */
const NOWHERE: Outputs = { image: 0, row: 0, pixel: 0 };

/** Terms of equal blocks that cover a sum, a multiple of eight. */
function evenDepth(terms: number): number {
  const blocks = Math.max(1, Math.ceil(terms / BLOCK_DEPTH));
  return Math.max(8, Math.ceil(terms / blocks / 8) * 8);
}
