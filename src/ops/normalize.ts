import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

export function l2Normalize(x: Tensor, { eps = 1e-12 } = {}): Tensor {
  const { rows, cols, ld } = rowsOf("l2Normalize", x);
  const y = empty(x.shape);
  const norms = empty([rows]);
  kernels.l2_normalize_f32(rows, cols, x.ptr, ld, eps, y.ptr, cols, norms.ptr);
  return record("l2Normalize", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.l2_normalize_grad_f32(rows, cols, y.ptr, cols, norms.ptr, eps, gradOf(y), cols, dx.beta, dx.ptr, ld);
  });
}
export function weightNorm(v: Tensor, g: Tensor): Tensor {
  const [rows, cols] = v.shape;
  const y = empty([rows, cols]);
  const norms = empty([rows]);
  kernels.weight_norm_f32(rows, cols, v.ptr, g.ptr, y.ptr, norms.ptr);
  return record("weightNorm", y, [v, g], () => {
    const dv = gradTarget(v);
    const dg = gradTarget(g);
    if (dv && dg) kernels.weight_norm_grad_f32(rows, cols, v.ptr, g.ptr, norms.ptr, gradOf(y), dv.beta, dv.ptr, dg.beta, dg.ptr);
  });
}
