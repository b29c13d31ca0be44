import { gradOf } from "../autograd/gradient.js";
import { kernels } from "../runtime/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { passGradient } from "./elementwise.js";
import { contiguous } from "./layout.js";

/** What follows a normalisation within its own result, so that nothing in between is kept: y ← relu(y + residual). */
export interface NormTail {
  /** Added to the result, of its shape. */
  residual?: Tensor | null;
  /** Whether the rectified linear unit comes last. Default false. */
  relu?: boolean;
}

/** The tail of one call: forward in place, and its part of the backward pass. */
export interface AppliedTail {
  /** The residual as it was read: an input of the op. */
  readonly residual: Tensor | null;
  /** Pointer to the gradient of the normalised numbers; that of y is overwritten. */
  gradient(): number;
  /** Passes the gradient on to the residual. The last use of y's gradient. */
  finish(): void;
}

/** Checks what a tail adds before anything is written. @throws ShapeError, DTypeError */
export function expectTail(op: string, x: Tensor, { residual = null }: NormTail): void {
  expectDType(op, { residual }, "f32");
  if (residual) expectShape(op, "residual", residual, x.shape);
}

/** Applies a tail to the dense tensor y in place. */
export function applyTail(y: Tensor, { residual: added = null, relu = false }: NormTail): AppliedTail {
  const residual = added && contiguous(added);
  if (residual && relu) kernels.add_relu_f32(y.numel, y.ptr, residual.ptr, y.ptr);
  else if (residual) kernels.add_f32(y.numel, y.ptr, residual.ptr, y.ptr);
  else if (relu) kernels.relu_f32(y.numel, y.ptr, y.ptr);
  return {
    residual,
    gradient: () => {
      const dy = gradOf(y);
      if (relu) kernels.relu_grad_f32(y.numel, y.ptr, dy, 0, dy);
      return dy;
    },
    finish: () => {
      if (residual) passGradient(residual, y);
    },
  };
}
