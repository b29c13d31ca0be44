import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { emptyLike } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { contiguous } from "./layout.js";

/** Gaussian error linear unit, x · Φ(x). Any shape. @throws DTypeError unless f32. */
export function gelu(x: Tensor): Tensor {
  expectDType("gelu", { x }, "f32");
  const dense = contiguous(x);
  const y = emptyLike(dense);
  kernels.gelu_f32(dense.numel, dense.ptr, y.ptr);
  return record("gelu", y, [dense], () => {
    const dx = gradTarget(dense);
    if (dx) kernels.gelu_grad_f32(dense.numel, dense.ptr, gradOf(y), dx.beta, dx.ptr);
  });
}

/** Rectified linear unit, max(x, 0). Any shape. @throws DTypeError unless f32. */
export function relu(x: Tensor): Tensor {
  expectDType("relu", { x }, "f32");
  const dense = contiguous(x);
  const y = emptyLike(dense);
  kernels.relu_f32(dense.numel, dense.ptr, y.ptr);
  return record("relu", y, [dense], () => {
    const dx = gradTarget(dense);
    if (dx) kernels.relu_grad_f32(dense.numel, y.ptr, gradOf(y), dx.beta, dx.ptr);
  });
}
