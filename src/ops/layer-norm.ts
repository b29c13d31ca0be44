import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { filledRows } from "./rows.js";

/**
 * Layer normalisation over the last axis: (x − μ)/√(σ² + ε) ⊙ weight + bias (Ba et al. 2016).
 *
 * @param x       [..., C]
 * @param weight  [C]
 * @param bias    [C]
 * @param options.eps  ε ≥ 0; default 1e-6
 * @returns [..., C]
 * @throws ShapeError if weight or bias is of another length, or the rows of x are not evenly spaced; DTypeError
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, { eps = 1e-6 } = {}): Tensor {
  expectDType("layerNorm", { x, weight, bias }, "f32");
  const { rows, cols, ld } = filledRows("layerNorm", x);
  expectShape("layerNorm", "weight", weight, [cols]);
  expectShape("layerNorm", "bias", bias, [cols]);
  expectContiguous("layerNorm", { weight, bias });
  const y = empty(x.shape);
  const stats = empty([rows, 2]);
  kernels.layer_norm_f32(rows, cols, x.ptr, ld, eps, weight.ptr, bias.ptr, y.ptr, cols, stats.ptr);
  return record("layerNorm", y, [x, weight, bias], () => {
    const dy = gradOf(y);
    const dw = gradTarget(weight);
    const db = gradTarget(bias);
    if (dw || db) {
      const [toWeight, toBias] = [dw ?? unwanted(cols), db ?? unwanted(cols)];
      const outputs = [toWeight.beta, toWeight.ptr, toBias.beta, toBias.ptr] as const;
      kernels.layer_norm_grad_weight_f32(cols, rows, x.ptr, ld, stats.ptr, dy, cols, ...outputs);
    }
    const dx = gradTarget(x);
    if (!dx) return;
    kernels.layer_norm_grad_input_f32(rows, cols, x.ptr, ld, stats.ptr, weight.ptr, dy, cols, dx.beta, dx.ptr, ld);
  });
}

/** Where a gradient goes that the kernel computes and nobody wants. */
function unwanted(cols: number): { ptr: number; beta: 0 } {
  return { ptr: empty([cols]).ptr, beta: 0 };
}
