import { ConfigError, ShapeError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { fromArray } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** One number for rows and columns, or [rows, columns]. */
export type Sides = number | readonly [number, number];

/** A batch of images as kernels see it. */
export interface Images {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Elements from one pixel to the next. */
  readonly pixel: number;
}

/** How taps lie along one axis: output i sees, through tap j, source i·stride + first + j·step. */
export interface Axis {
  /** Sources along the axis; what lies outside is zero. */
  readonly size: number;
  readonly outputs: number;
  readonly taps: number;
  readonly stride: number;
  readonly first: number;
  readonly step: number;
}

/** Where output pixels lie, in elements. */
export interface Outputs {
  readonly image: number;
  readonly row: number;
  readonly pixel: number;
}

/** @throws ShapeError unless x is [B, H, W, C] with evenly spaced pixels */
export function imagesOf(op: string, x: Tensor): Images {
  if (x.shape.length !== 4) {
    throw new ShapeError(
      `${op}: x is ${formatShape(x.shape)}, expected [B, H, W, C]. Move channels last with permute.`,
    );
  }
  const [batch, height, width, channels] = x.shape;
  return { batch, height, width, channels, pixel: rowsOf(op, x).ld };
}

/** @throws ConfigError unless both sides are whole numbers of at least `least` */
export function sidesOf(op: string, name: string, sides: Sides, least: number): readonly [number, number] {
  const pair = typeof sides === "number" ? ([sides, sides] as const) : sides;
  const fits = (side: number) => Number.isInteger(side) && side >= least;
  if (pair.length === 2 && fits(pair[0]) && fits(pair[1])) return pair;
  throw new ConfigError(`${op}: ${name} is ${formatShape(pair)}, expected whole numbers from ${least} on.`);
}

interface Sliding {
  readonly taps: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** A window that slides along an axis of `size` pixels. @throws ShapeError if it does not fit even once */
export function slidingAxis(op: string, size: number, { taps, stride, padding, dilation }: Sliding): Axis {
  const reach = dilation * (taps - 1) + 1;
  const outputs = Math.floor((size + 2 * padding - reach) / stride) + 1;
  if (outputs < 1) {
    throw new ShapeError(
      `${op}: a window of ${reach} pixels does not fit into ${size} with padding ${padding}. Enlarge the image or the padding.`,
    );
  }
  return { size, outputs, taps, stride, first: -padding, step: dilation };
}

/** Whether a window has 3 × 3 neighbouring taps and moves from pixel to pixel. */
export const isThreeByThree = (axes: readonly [Axis, Axis]) => hasThreeTaps(axes[0]) && hasThreeTaps(axes[1]);

const hasThreeTaps = ({ taps, stride, step }: Axis) => taps === 3 && stride === 1 && step === 1;

/** Outputs [batch, rows, columns, channels] that lie densely. */
export function denseOutputs(columns: number, rows: number, channels: number): Outputs {
  return { image: rows * columns * channels, row: columns * channels, pixel: channels };
}

/** Writes what assembly/window.ts reads, as a tensor of the running frame. */
export function windowTensor(axes: readonly [Axis, Axis], pixel: number, outputs: Outputs): Tensor {
  const [y, x] = axes;
  // biome-ignore format: a row for each pair
  const numbers = [
    y.size, x.size, pixel,
    y.outputs, x.outputs,
    y.taps, x.taps,
    y.stride, x.stride,
    y.first, x.first,
    y.step, x.step,
    outputs.image, outputs.row, outputs.pixel,
  ];
  return fromArray(numbers, [numbers.length], "i32");
}

/** Runs fn with step memory that is given back when it ends: for what only the kernels inside read. */
export function withTemporaries(fn: () => void): void {
  const arena = runtime().step;
  const frame = arena.open("scope");
  try {
    fn();
  } finally {
    arena.close(frame);
  }
}
