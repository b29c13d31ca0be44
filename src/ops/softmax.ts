import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";

export function softmax(x: Tensor, { temperature = 1, center = null }: { temperature?: number; center?: Tensor | null } = {}): Tensor {
  expectDType("softmax", { x, center }, "f32");
  const { rows, cols, ld } = rowsOf("softmax", x);
  if (center) expectShape("softmax", "center", center, [cols]);
  const y = empty(x.shape);
  kernels.softmax_f32(rows, cols, x.ptr, ld, temperature, center?.ptr ?? 0, y.ptr, cols);
  return record("softmax", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.softmax_grad_f32(rows, cols, temperature, y.ptr, cols, gradOf(y), cols, dx.beta, dx.ptr, ld);
  });
}
