import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { MemoryError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { denseStrides, formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { copyStrided } from "./layout.js";

/** Working memory of one kernel, in numbers. */
const SCRATCH_NUMBERS = 1 << 20;

/**
 * What the gradient kernel, the hungrier of the two, needs of it (assembly/attention_grad.ts). Small heads take the path
 * with terms too, and always fit.
 */
const scratchNumbers = (tokens: number, dim: number, terms: boolean) =>
  terms
    ? 24 * (tokens + 15) * (dim + 7) + 584 * (tokens + 7) + 48
    : 3 * (tokens + 7) * (dim + 7) + dim + 2 * (tokens + 8) * Math.min(208, Math.max(56, (1 << 17) / tokens));

/** The most parts into which images are divided to sum the gradient of a bias; each takes [H, T, T] numbers. */
const MAX_PARTS = 16;
/** The kernel takes images in fours. */
const GROUP = 4;

/** How scores are scaled, what is added to them, and how many queries there are. */
export interface AttentionOptions {
  /** Factor of q·kᵀ, dimensionless. Default 1/√d. */
  scale?: number;
  /** Added to the scores of every image  [H, T, T], any strides; receives a gradient. */
  bias?: Tensor | null;
  /**
   * Added to the scores of every head, without a gradient  [n, T, T], contiguous: image b takes entry b mod n. −∞ hides a
   * key from a query; each query must keep one.
   */
  mask?: Tensor | null;
  /** How many of the first tokens ask; all of them answer. Default T. */
  queries?: number;
}

/**
 * Self-attention of several heads, softmax(scale·q·kᵀ + bias + mask)·v for each image and head. The scores are never
 * stored: a block of them lives in working memory, and the gradient computes them again.
 *
 * @param qkv  query, key and value of each token  [B, T, 3, H, d], contiguous, as one linear layer gives them
 * @returns the heads side by side  [B, queries, H·d]; the rows have the same bits however many ask
 * @throws ShapeError if a tensor does not fit or is a strided view, MemoryError if one head exceeds working memory
 */
export function attention(qkv: Tensor, options: AttentionOptions = {}): Tensor {
  const { bias = null, mask = null } = options;
  expectDType("attention", { qkv, bias, mask }, "f32");
  if (qkv.shape.length !== 5 || qkv.shape[2] !== 3) {
    throw new ShapeError(`attention: qkv is ${formatShape(qkv.shape)}, expected [B, T, 3, H, d].`);
  }
  expectContiguous("attention", { qkv, mask });
  const [batch, tokens, , heads, dim] = qkv.shape;
  const { scale = 1 / Math.sqrt(dim), queries = tokens } = options;
  expectTerms(qkv, options);
  if (!Number.isInteger(queries) || queries < Math.min(1, tokens) || queries > tokens) {
    throw new ShapeError(`attention: queries is ${queries}, expected a whole number from 1 to ${tokens}, the tokens.`);
  }
  if (scratchNumbers(tokens, dim, bias !== null || mask !== null) > SCRATCH_NUMBERS) {
    const what = bias || mask ? " with bias or mask" : "";
    throw new MemoryError(
      `attention: ${tokens} tokens of head dimension ${dim}${what} exceed the 4 MiB of working memory. Lower the image size or the head dimension.`,
    );
  }
  const items = batch * heads;
  const out = empty([batch, queries, heads * dim]);
  const lse = empty([items, queries]);
  const [biasHead, biasRow, biasColumn] = bias?.strides ?? [0, 0, 0];
  // Beyond qkv, what the kernels have in common.
  const size = [heads, tokens, dim, queries, scale, qkv.ptr] as const;
  const terms = [bias?.ptr ?? 0, biasHead, biasRow, biasColumn, mask?.ptr ?? 0, mask?.shape[0] ?? 0] as const;
  kernels.attention_f32(items, ...size, ...terms, out.ptr, lse.ptr);
  return record("attention", out, [qkv, bias], () => {
    const target = gradTarget(qkv);
    if (!target && !bias?.storage.tracked) return;
    const dqkv = target?.beta === 0 ? target.ptr : empty(qkv.shape).ptr;
    const grads = [out.ptr, lse.ptr, gradOf(out), dqkv] as const;
    if (bias?.storage.tracked) {
      const share = GROUP * Math.max(1, Math.ceil(batch / (GROUP * MAX_PARTS)));
      const chunks = Math.ceil(batch / share);
      const parts = empty([chunks, heads, tokens, tokens]);
      kernels.attention_bias_grad_f32(chunks * heads, items, share, ...size, ...terms, ...grads, parts.ptr);
      addParts(parts, bias);
    } else kernels.attention_grad_f32(items, ...size, ...terms, ...grads);
    if (target?.beta === 1) kernels.add_f32(qkv.numel, target.ptr, dqkv, target.ptr);
  });
}

/** @throws ShapeError if bias or mask does not fit qkv */
function expectTerms(qkv: Tensor, { bias, mask }: AttentionOptions): void {
  const [batch, tokens, , heads] = qkv.shape;
  if (bias) expectShape("attention", "bias", bias, [heads, tokens, tokens]);
  if (!mask) return;
  const [windows] = mask.shape;
  expectShape("attention", "mask", mask, [windows, tokens, tokens]);
  if (windows < 1 || batch % windows !== 0) {
    throw new ShapeError(
      `attention: mask has ${windows} entries for a batch of ${batch}; expected a number that divides the batch.`,
    );
  }
}

/** The gradient of the bias [H, T, T]: the sum of its parts [chunks, H, T, T], in their order. */
function addParts(parts: Tensor, bias: Tensor): void {
  const target = gradTarget(bias);
  if (!target) return;
  const [chunks, heads, tokens] = parts.shape;
  const square = tokens * tokens;
  const whole = bias.contiguous && target.beta === 0;
  const sum = whole ? target.ptr : empty(bias.shape).ptr;
  kernels.batch_sum_f32(heads, square, chunks, parts.ptr, heads * square, square, 0, sum, square);
  if (whole) return;
  const from = { ptr: sum, strides: denseStrides(bias.shape) };
  copyStrided(bias.shape, from, { ptr: target.ptr, strides: bias.strides }, target.beta);
}
