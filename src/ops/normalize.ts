import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType } from "./check.js";
import { filledRows } from "./rows.js";

/**
 * Rows of unit length: x / max(‖x‖, ε) over the last axis.
 *
 * @param x  [..., C]
 * @param options.eps  ε > 0; default 1e-12
 * @returns [..., C]
 * @throws ShapeError if the rows of x are not evenly spaced, ConfigError for another ε, DTypeError
 */
export function l2Normalize(x: Tensor, { eps = 1e-12 } = {}): Tensor {
  expectDType("l2Normalize", { x }, "f32");
  if (!(eps > 0)) throw new ConfigError(`l2Normalize: eps is ${eps}, expected a number above 0.`);
  const { rows, cols, ld } = filledRows("l2Normalize", x);
  const y = empty(x.shape);
  const norms = empty([rows]);
  kernels.l2_normalize_f32(rows, cols, x.ptr, ld, eps, y.ptr, cols, norms.ptr);
  return record("l2Normalize", y, [x], () => {
    const dx = gradTarget(x);
    if (dx)
      kernels.l2_normalize_grad_f32(rows, cols, y.ptr, cols, norms.ptr, eps, gradOf(y), cols, dx.beta, dx.ptr, ld);
  });
}

/**
 * Weight normalisation, g · v/‖v‖ for each row (Salimans & Kingma 2016). A row of zeros gives NaN.
 *
 * @param v  directions [R, C], contiguous
 * @param g  lengths [R] or [R, 1], contiguous
 * @returns [R, C]
 * @throws ShapeError if the two do not fit or are strided views, DTypeError
 */
export function weightNorm(v: Tensor, g: Tensor): Tensor {
  expectDType("weightNorm", { v, g }, "f32");
  if (v.shape.length !== 2 || g.numel !== v.shape[0]) {
    throw new ShapeError(
      `weightNorm: v is ${formatShape(v.shape)} and g ${formatShape(g.shape)}, expected [R, C] and a length per row.`,
    );
  }
  expectContiguous("weightNorm", { v, g });
  const { rows, cols } = filledRows("weightNorm", v);
  const y = empty(v.shape);
  const norms = empty([rows]);
  kernels.weight_norm_f32(rows, cols, v.ptr, g.ptr, y.ptr, norms.ptr);
  return record("weightNorm", y, [v, g], () => {
    const dv = gradTarget(v) ?? { ptr: empty(v.shape).ptr, beta: 0 };
    const dg = gradTarget(g) ?? { ptr: empty([rows]).ptr, beta: 0 };
    const outputs = [dv.beta, dv.ptr, dg.beta, dg.ptr] as const;
    kernels.weight_norm_grad_f32(rows, cols, v.ptr, g.ptr, norms.ptr, gradOf(y), ...outputs);
  });
}
