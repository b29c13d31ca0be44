import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { emptyLike } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { contiguous } from "./layout.js";

/**
 * y[r] = mask[r] ? token : x[r], x seen as rows of its last axis.
 *
 * @param x      [..., C]
 * @param token  [C]
 * @param mask   i32 of x's leading axes; 1 = masked
 * @returns of x's shape
 * @throws ShapeError if token or mask does not fit; DTypeError
 */
export function maskRows(x: Tensor, token: Tensor, mask: Tensor): Tensor {
  expectDType("maskRows", { x, token }, "f32");
  expectDType("maskRows", { mask }, "i32");
  const cols = x.shape[x.shape.length - 1];
  expectShape("maskRows", "token", token, [cols]);
  expectShape("maskRows", "mask", mask, x.shape.slice(0, -1));
  [x, token, mask] = [contiguous(x), contiguous(token), contiguous(mask)];
  const rows = mask.numel;
  const y = emptyLike(x);
  kernels.mask_rows_f32(rows, cols, x.ptr, mask.ptr, token.ptr, y.ptr);
  return record("maskRows", y, [x, token], () => {
    const dy = gradOf(y);
    const [dx, dtoken] = [gradTarget(x), gradTarget(token)];
    if (dx) kernels.mask_rows_grad_f32(rows, cols, dy, mask.ptr, dx.beta, dx.ptr);
    if (dtoken) kernels.mask_rows_grad_token_f32(cols, rows, dy, mask.ptr, dtoken.beta, dtoken.ptr);
  });
}
