import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { denseStrides } from "../tensor/shape.js";
import { copyStrided } from "./layout.js";
import { type Axis, isThreeByThree, type Outputs, windowTensor, withTemporaries } from "./window.js";

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
 * Every output of a convolution. Longer sums are added block by block, as in product.ts.
 */
export function correlate(call: Correlation): void {
  if (tilesPay(call)) correlateTiles(call);
  else correlateRows(call);
}

/** The fewest channels on either side, and output pixels, from which tiles are faster than rows. */
const TILE_CHANNELS = 8;
const TILE_PIXELS = 96;

function tilesPay({ batch, axes, channels, n }: Correlation): boolean {
  const whole = channels % 4 === 0 && n % PANEL_COLUMNS === 0 && Math.min(channels, n) >= TILE_CHANNELS;
  return isThreeByThree(axes) && whole && batch * axes[0].outputs * axes[1].outputs >= TILE_PIXELS;
}

/** 3 × 3 taps with stride 1 by tiles of 2 × 2 outputs, with 16 multiplications for 36 (assembly/conv_winograd.ts). */
function correlateTiles({
  batch,
  axes,
  channels,
  n,
  x,
  pixel,
  weight,
  alpha,
  bias,
  beta,
  y,
  outputs,
}: Correlation): void {
  const width = evenPart(channels, BLOCK_DEPTH, 4);
  const tiles = batch * Math.ceil(axes[0].outputs / 2) * Math.ceil(axes[1].outputs / 2);
  const { out, in: step, row, column } = weight;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, outputs).ptr;
    const packed = empty([16 * width * n]).ptr;
    for (let channel = 0; channel < channels; channel += width) {
      const part = Math.min(width, channels - channel);
      const from = weight.ptr + 4 * channel * step;
      const first = channel === 0;
      kernels.conv_winograd_weight_f32(n / PANEL_COLUMNS, n, part, alpha, from, out, step, row, column, packed);
      const source = [tiles, n, part, window, x + 4 * channel, packed] as const;
      kernels.conv_winograd_f32(...source, first ? bias : 0, first ? beta : 1, y);
    }
  });
}

/** Any window as products of rows: what each pixel sees, with the packed weight. */
function correlateRows(call: Correlation): void {
  const { batch, axes, channels, n, x, pixel, weight, alpha, bias, beta, y, outputs } = call;
  const [rows, columns] = axes;
  const taps = rows.taps * columns.taps;
  if (taps * channels === 0 && beta === 1) return;
  const pixels = batch * rows.outputs * columns.outputs;
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const { out, in: step, row, column } = weight;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, outputs).ptr;
    const packed = empty([panels * PANEL_COLUMNS * Math.min(BLOCK_DEPTH, taps * channels)]).ptr;
    const heavy = n * taps > batch * rows.size * columns.size;
    eachBlock(taps, channels, heavy, ({ channel, width, from, terms }, first) => {
      const part = [panels, n, width, columns.taps, from, terms, alpha] as const;
      kernels.conv_pack_weight_f32(...part, weight.ptr + 4 * channel * step, out, step, row, column, packed);
      const source = [pixels, n, width, window, x + 4 * channel, from, terms] as const;
      kernels.conv_f32(...source, packed, first ? bias : 0, first ? beta : 1, y);
    });
  });
}

/** Terms from … from + terms − 1 of a sum over all taps of `width` channels from `channel` on. */
interface Block {
  readonly channel: number;
  readonly width: number;
  readonly from: number;
  readonly terms: number;
}

/**
 * Divides a sum into blocks of at most BLOCK_DEPTH terms. Where the weight is heavy, larger than the images, a block has
 * all taps of some channels, so that each weight is read for one block only (8 % faster); else, and with very many taps, it
 * is a part of the taps of all channels, whose runs are longer.
 */
function eachBlock(
  taps: number,
  channels: number,
  heavy: boolean,
  visit: (block: Block, first: boolean) => void,
): void {
  if (taps * channels === 0) {
    visit({ channel: 0, width: channels, from: 0, terms: 0 }, true);
    return;
  }
  const width = heavy ? evenPart(channels, Math.floor(BLOCK_DEPTH / taps), 4) : 0;
  if (width > 0) {
    for (let channel = 0; channel < channels; channel += width) {
      const part = Math.min(width, channels - channel);
      visit({ channel, width: part, from: 0, terms: taps * part }, channel === 0);
    }
    return;
  }
  const depth = evenPart(taps * channels, BLOCK_DEPTH, 8);
  for (let from = 0; from < taps * channels; from += depth) {
    const terms = Math.min(depth, taps * channels - from);
    visit({ channel: 0, width: channels, from, terms }, from === 0);
  }
}

/** The size of equal parts, a multiple of the grain, none above the limit; 0 if there is none such. */
function evenPart(size: number, limit: number, grain: number): number {
  const most = Math.floor(limit / grain) * grain;
  if (size <= limit || most === 0) return size <= limit ? size : 0;
  return Math.ceil(size / Math.ceil(size / most) / grain) * grain;
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
