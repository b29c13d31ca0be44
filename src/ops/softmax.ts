import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { expectTemperature, filledRows } from "./rows.js";

/**
 * softmax((x − c)/τ) over the last axis.
 *
 * @param x  [..., K]
 * @param options.temperature  τ > 0; default 1
 * @param options.center  c [K], subtracted from each row; no gradient flows into it
 * @returns [..., K], rows summing to 1
 * @throws ShapeError if the centre is of another length, or the rows of x are not evenly spaced; ConfigError, DTypeError
 */
export function softmax(
  x: Tensor,
  { temperature = 1, center = null }: { temperature?: number; center?: Tensor | null } = {},
): Tensor {
  expectDType("softmax", { x, center }, "f32");
  expectTemperature("softmax", temperature);
  const { rows, cols, ld } = filledRows("softmax", x);
  if (center) expectShape("softmax", "center", center, [cols]);
  expectContiguous("softmax", { center });
  const y = empty(x.shape);
  kernels.softmax_f32(rows, cols, x.ptr, ld, temperature, center?.ptr ?? 0, y.ptr, cols);
  return record("softmax", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.softmax_grad_f32(rows, cols, temperature, y.ptr, cols, gradOf(y), cols, dx.beta, dx.ptr, ld);
  });
}

/**
 * log softmax(x/τ) over the last axis.
 *
 * @param x  [..., K]
 * @param options.temperature  τ > 0; default 1
 * @returns [..., K], nats
 * @throws ShapeError if the rows of x are not evenly spaced; ConfigError, DTypeError
 */
export function logSoftmax(x: Tensor, { temperature = 1 }: { temperature?: number } = {}): Tensor {
  expectDType("logSoftmax", { x }, "f32");
  expectTemperature("logSoftmax", temperature);
  const { rows, cols, ld } = filledRows("logSoftmax", x);
  const y = empty(x.shape);
  kernels.log_softmax_f32(rows, cols, x.ptr, ld, temperature, y.ptr, cols);
  return record("logSoftmax", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.log_softmax_grad_f32(rows, cols, temperature, y.ptr, cols, gradOf(y), cols, dx.beta, dx.ptr, ld);
  });
}
