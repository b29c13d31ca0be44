import type { Tensor } from "../../src/tensor/tensor.js";

/** The gradient that has arrived at a tensor, in row-major order; zeros if none has. */
export function gradientOf(x: Tensor): ArrayLike<number> {
  return x.grad() ?? new Float64Array(x.numel);
}
