import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { MemoryError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType } from "./check.js";

/** Working memory of one kernel, in numbers. */
const SCRATCH_NUMBERS = 1 << 20;

/** What the gradient kernel, the hungrier of the two, needs of it (assembly/attention_grad.ts). */
const scratchNumbers = (tokens: number, dim: number) => 3 * (tokens + 3) * (dim + 7) + 56 * (4 * dim + 2 * tokens + 31);

export interface AttentionOptions {
  /** Factor of q·kᵀ, dimensionless. Default 1/√d. */
  scale?: number;
}

/**
 * Self-attention of several heads, softmax(scale·q·kᵀ)·v for each image and head. The scores are never stored: a block of
 * them lives in working memory, and the gradient computes them again.
 *
 * @param qkv  query, key and value of each token  [B, T, 3, H, d], contiguous, as one linear layer gives them
 * @returns the heads side by side  [B, T, H·d]
 * @throws ShapeError if qkv has other axes or is a strided view, MemoryError if one head exceeds working memory
 */
export function attention(qkv: Tensor, { scale }: AttentionOptions = {}): Tensor {
  expectDType("attention", { qkv }, "f32");
  if (qkv.shape.length !== 5 || qkv.shape[2] !== 3) {
    throw new ShapeError(`attention: qkv is ${formatShape(qkv.shape)}, expected [B, T, 3, H, d].`);
  }
  expectContiguous("attention", { qkv });
  const [batch, tokens, , heads, dim] = qkv.shape;
  if (scratchNumbers(tokens, dim) > SCRATCH_NUMBERS) {
    throw new MemoryError(
      `attention: ${tokens} tokens of head dimension ${dim} exceed the 4 MiB of working memory. Lower the image size or the head dimension.`,
    );
  }
  const items = batch * heads;
  const factor = scale ?? 1 / Math.sqrt(dim);
  const out = empty([batch, tokens, heads * dim]);
  const lse = empty([items, tokens]);
  kernels.attention_f32(items, heads, tokens, dim, factor, qkv.ptr, out.ptr, lse.ptr);
  return record("attention", out, [qkv], () => {
    const target = gradTarget(qkv);
    if (!target) return;
    const dqkv = target.beta === 0 ? target.ptr : empty(qkv.shape).ptr;
    kernels.attention_grad_f32(items, heads, tokens, dim, factor, qkv.ptr, out.ptr, lse.ptr, gradOf(out), dqkv);
    if (target.beta === 1) kernels.add_f32(qkv.numel, target.ptr, dqkv, target.ptr);
  });
}
