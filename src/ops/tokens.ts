import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { contiguous } from "./layout.js";

/** What tokens are made of beside patches. */
export interface TokenTables {
  /** Class token [w]. */
  cls: Tensor;
  /** Position embedding [1 + N, w], the class token's first; may be a narrowed view. */
  position: Tensor;
  /** What stands in for a masked patch [w]; needed with a mask. */
  maskToken?: Tensor | null;
  /** i32 [B, N], 1 = masked. */
  mask?: Tensor | null;
}

/**
 * Tokens of a vision transformer before its first block: y[b, 0] = cls + position[0] and
 * y[b, 1+n] = (mask[b, n] ? maskToken : patches[b, n]) + position[1+n].
 *
 * @param patches  [B, N, w]
 * @returns [B, 1 + N, w]
 * @throws ShapeError if a table or the mask does not fit, or a mask comes without its token; DTypeError
 */
export function embedTokens(patches: Tensor, tables: TokenTables): Tensor {
  expectTables(patches, tables);
  const [batch, count, width] = patches.shape;
  const { position } = tables;
  const x = contiguous(patches);
  const cls = contiguous(tables.cls);
  const mask = tables.mask ? contiguous(tables.mask) : null;
  const maskToken = mask && tables.maskToken ? contiguous(tables.maskToken) : null;
  const { ld } = rowsOf("embedTokens", position);
  const tokens = 1 + count;
  const y = empty([batch, tokens, width]);
  const maskPtr = mask?.ptr ?? 0;
  kernels.embed_tokens_f32(batch, count, width, x.ptr, cls.ptr, position.ptr, ld, maskToken?.ptr ?? 0, maskPtr, y.ptr);
  return record("embedTokens", y, [x, cls, position, maskToken], () => {
    const dy = gradOf(y);
    const sample = tokens * width;
    const dx = gradTarget(x);
    if (dx) kernels.embed_tokens_grad_patches_f32(batch, count, width, dy, maskPtr, dx.beta, dx.ptr);
    const dcls = gradTarget(cls);
    if (dcls) kernels.batch_sum_f32(1, width, batch, dy, sample, width, dcls.beta, dcls.ptr, width);
    const dposition = gradTarget(position);
    if (dposition) kernels.batch_sum_f32(tokens, width, batch, dy, sample, width, dposition.beta, dposition.ptr, ld);
    const dtoken = gradTarget(maskToken);
    if (dtoken) kernels.embed_tokens_grad_mask_f32(width, batch, count, dy, maskPtr, dtoken.beta, dtoken.ptr);
  });
}

function expectTables(patches: Tensor, { cls, position, maskToken, mask }: TokenTables): void {
  expectDType("embedTokens", { patches, cls, position, maskToken }, "f32");
  expectDType("embedTokens", { mask }, "i32");
  if (patches.shape.length !== 3) {
    throw new ShapeError(`embedTokens: patches are ${formatShape(patches.shape)}, expected [B, N, w].`);
  }
  const [batch, count, width] = patches.shape;
  expectShape("embedTokens", "cls", cls, [width]);
  expectShape("embedTokens", "position", position, [1 + count, width]);
  if (!mask) return;
  expectShape("embedTokens", "mask", mask, [batch, count]);
  if (!maskToken)
    throw new ShapeError("embedTokens: a mask came without maskToken [w] to put in place of masked patches.");
  expectShape("embedTokens", "maskToken", maskToken, [width]);
}
