import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { summed } from "./cross-entropy.js";
import { contiguous } from "./layout.js";

/**
 * scale · Σ −t·log σ(x) − (1 − t)·log(1 − σ(x)): how far probabilities σ(x) are from t.
 *
 * @param logits  x, any shape
 * @param targets  t of the same shape, 0…1; no gradient flows into it
 * @param options.scale  factor of the sum; default 1
 * @returns nats, a scalar
 * @throws ShapeError if the two differ; DTypeError
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, { scale = 1 }: { scale?: number } = {}): Tensor {
  expectDType("binaryCrossEntropy", { logits, targets }, "f32");
  expectShape("binaryCrossEntropy", "targets", targets, logits.shape);
  const [x, t] = [contiguous(logits), contiguous(targets)];
  const loss = empty([x.numel]);
  kernels.binary_cross_entropy_f32(x.numel, x.ptr, t.ptr, scale, loss.ptr);
  const y = summed(loss);
  return record("binaryCrossEntropy", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.binary_cross_entropy_grad_f32(x.numel, x.ptr, t.ptr, scale, gradOf(y), dx.beta, dx.ptr);
  });
}
