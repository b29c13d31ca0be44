import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";

/** Sizes of both grids, and the scales of their coordinates. */
export interface ResampleOptions {
  inHeight: number;
  inWidth: number;
  outHeight: number;
  outWidth: number;
  /** Output cells per input cell along the rows' axis; sets where the grid is sampled, not how many samples are taken. */
  scaleRows: number;
  scaleCols: number;
}

/** Parameter of the cubic kernel (Keys 1981) in the common image libraries. */
const A = -0.75;

/**
 * Resizes a grid of feature rows bicubically: a = −0.75, no antialias, taps clamped at the edges, output cell i sampled at
 * (i + 0.5) / scale − 0.5.
 *
 * @param x  [inHeight·inWidth, C], row by row; may be a narrowed view
 * @returns [outHeight·outWidth, C]
 * @throws ShapeError if x has another number of rows, or a size or scale is not positive; DTypeError
 */
export function resample(x: Tensor, options: ResampleOptions): Tensor {
  expectDType("resample", { x }, "f32");
  const { inHeight, inWidth, outHeight, outWidth, scaleRows, scaleCols } = options;
  const wrong = Object.entries(options).find(([, value]) => !(value > 0));
  if (wrong) throw new ShapeError(`resample: ${wrong[0]} is ${wrong[1]}, expected a positive number.`);
  const { rows, cols, ld } = rowsOf("resample", x);
  if (rows !== inHeight * inWidth) {
    throw new ShapeError(`resample: x ${formatShape(x.shape)} has ${rows} rows, expected ${inHeight} x ${inWidth}.`);
  }
  const [ri, rw] = cubicTaps(inHeight, outHeight, scaleRows);
  const [ci, cw] = cubicTaps(inWidth, outWidth, scaleCols);
  const y = empty([outHeight * outWidth, cols]);
  kernels.resample_f32(outHeight, outWidth, cols, inWidth, ri.ptr, rw.ptr, ci.ptr, cw.ptr, x.ptr, ld, y.ptr, cols);
  return record("resample", y, [x], () => {
    const dx = gradTarget(x);
    if (!dx) return;
    if (dx.beta === 0) kernels.fill_f32(x.numel, 0, dx.ptr); // beta 0 means that x is dense and whole
    kernels.resample_grad_f32(
      cols,
      outHeight,
      outWidth,
      inWidth,
      ri.ptr,
      rw.ptr,
      ci.ptr,
      cw.ptr,
      gradOf(y),
      cols,
      dx.ptr,
      ld,
    );
  });
}

/** Indices and weights of the four taps of each output cell, [size·4] each. */
function cubicTaps(inSize: number, outSize: number, scale: number): [Tensor, Tensor] {
  const index = new Int32Array(4 * outSize);
  const weight = new Float64Array(4 * outSize);
  for (let i = 0; i < outSize; i++) {
    const at = (i + 0.5) / scale - 0.5;
    const cell = Math.floor(at);
    for (let tap = 0; tap < 4; tap++) {
      const from = cell - 1 + tap;
      index[4 * i + tap] = Math.min(Math.max(from, 0), inSize - 1);
      weight[4 * i + tap] = cubic(Math.abs(at - from));
    }
  }
  return [fromArray(index, [index.length], "i32"), fromArray(weight, [weight.length])];
}

/** The cubic convolution kernel at a distance from 0 to 2 (Keys 1981, eq. 15 with free a). */
function cubic(d: number): number {
  if (d <= 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  if (d >= 2) return 0;
  return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
}
