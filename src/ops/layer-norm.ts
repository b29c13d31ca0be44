import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, { eps = 1e-6 } = {}): Tensor {
  const { rows, cols, ld } = rowsOf("layerNorm", x);
  const y = empty(x.shape);
  const stats = empty([rows, 2]);
  kernels.layer_norm_f32(rows, cols, x.ptr, ld, eps, weight.ptr, bias.ptr, y.ptr, cols, stats.ptr);
  return record("layerNorm", y, [x, weight, bias], () => {
    const dy = gradOf(y);
    const dx = gradTarget(x);
    if (dx) kernels.layer_norm_grad_input_f32(rows, cols, x.ptr, ld, stats.ptr, weight.ptr, dy, cols, dx.beta, dx.ptr, ld);
    const dw = gradTarget(weight);
    const db = gradTarget(bias);
    if (dw && db) kernels.layer_norm_grad_weight_f32(cols, rows, x.ptr, ld, stats.ptr, dy, cols, dw.beta, dw.ptr, db.beta, db.ptr);
  });
}
