import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { contiguous } from "./layout.js";

/** Numbers behind each partial result of the block kernels. */
const BLOCK = 4096;

/**
 * out = Σ x[i] over n numbers, by blocks of 4,096 and blocks of those: the same bits for any number of threads.
 *
 * @param n    count; 0 gives 0
 * @param ptr  byte address of x, contiguous
 * @param out  byte address of the result
 */
export function sumInto(n: number, ptr: number, out: number): void {
  const blocks = Math.ceil(n / BLOCK);
  if (blocks <= 1) {
    kernels.fill_f32(1, 0, out);
    kernels.sum_blocks_f32(blocks, n, ptr, out);
    return;
  }
  const partial = empty([blocks]);
  kernels.sum_blocks_f32(blocks, n, ptr, partial.ptr);
  sumInto(blocks, partial.ptr, out);
  partial.dispose();
}

/**
 * Σ x[i]² over n numbers, on the host; block results are added in double precision.
 *
 * @param ptr  byte address of x, contiguous
 */
export function squaredNorm(ptr: number, n: number): number {
  const blocks = Math.ceil(n / BLOCK);
  const partial = empty([blocks]);
  kernels.squared_norm_blocks_f32(blocks, n, ptr, partial.ptr);
  let sum = 0;
  for (const value of partial.toArray()) sum += value;
  partial.dispose();
  return sum;
}

/** Sum of all elements, a scalar. Any shape; an empty tensor sums to 0. @throws DTypeError */
export function sum(x: Tensor): Tensor {
  expectDType("sum", { x }, "f32");
  x = contiguous(x);
  const y = empty([]);
  sumInto(x.numel, x.ptr, y.ptr);
  return record("sum", y, [x], () => spread(gradOf(y), x));
}

/** Mean of all elements, a scalar. Any shape. @throws ShapeError if there is none */
export function mean(x: Tensor): Tensor {
  expectDType("mean", { x }, "f32");
  if (x.numel === 0) throw new ShapeError(`mean: x ${formatShape(x.shape)} has no element, expected at least one.`);
  x = contiguous(x);
  const y = empty([]);
  sumInto(x.numel, x.ptr, y.ptr);
  kernels.scale_f32(1, 1 / x.numel, y.ptr, 0, y.ptr);
  return record("mean", y, [x], () => {
    const share = empty([]);
    kernels.scale_f32(1, 1 / x.numel, gradOf(y), 0, share.ptr);
    spread(share.ptr, x);
    share.dispose();
  });
}

/** dL/dx[i] += the number at ptr. */
function spread(ptr: number, x: Tensor): void {
  const dx = gradTarget(x);
  if (dx) kernels.copy_f32(1, 1, 1, x.numel, ptr, 0, 0, 0, 0, dx.beta, dx.ptr, 0, 0, 0, 1);
}

/**
 * Σ weights[i] · scalars[i]: a total loss out of its terms.
 *
 * @param scalars  at least one tensor of one element each
 * @param weights  as many numbers
 * @returns a scalar
 * @throws ShapeError if the two differ in number or a tensor has more than one element
 */
export function weightedSum(scalars: readonly Tensor[], weights: readonly number[]): Tensor {
  if (scalars.length === 0 || scalars.length !== weights.length) {
    throw new ShapeError(
      `weightedSum: ${scalars.length} scalars with ${weights.length} weights; expected as many, at least one.`,
    );
  }
  scalars.forEach((x, i) => {
    expectDType("weightedSum", { [`scalars[${i}]`]: x }, "f32");
    if (x.numel !== 1)
      throw new ShapeError(`weightedSum: scalars[${i}] is ${formatShape(x.shape)}, expected one element.`);
  });
  const y = empty([]);
  scalars.forEach((x, i) => {
    kernels.scale_f32(1, weights[i], x.ptr, i === 0 ? 0 : 1, y.ptr);
  });
  return record("weightedSum", y, scalars, () => {
    scalars.forEach((x, i) => {
      const dx = gradTarget(x);
      if (dx) kernels.scale_f32(1, weights[i], gradOf(y), dx.beta, dx.ptr);
    });
  });
}
