import { gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, numelOf, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { applyTail, expectTail, type NormTail } from "./norm-tail.js";

export interface GroupNormOptions extends NormTail {
  /** ε ≥ 0; default 1e-5 */
  eps?: number;
}

/**
 * Group normalisation: (x − μ)/√(σ² + ε) ⊙ weight + bias with μ and σ² over the pixels and the channels of a group, image by
 * image (Wu, He 2018). A slice of channels may be cut into fewer groups or into smaller ones: the caller says how many.
 *
 * @param x       [B, …, C], channels last, for instance images [B, H, W, C]; a slice of channels is read in place
 * @param groups  equal runs of channels; divides C
 * @param weight  [C]
 * @param bias    [C]
 * @param options  ε, and what follows: relu(y + residual) without a pass of its own over memory kept for it
 * @returns of x's shape
 * @throws ShapeError if weight or bias is of another length, there is no pixel, or pixels are not evenly spaced;
 *   ConfigError if groups does not divide C; DTypeError
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  weight: Tensor,
  bias: Tensor,
  options: GroupNormOptions = {},
): Tensor {
  expectDType("groupNorm", { x, weight, bias }, "f32");
  expectTail("groupNorm", x, options);
  if (x.shape.length < 2) throw new ShapeError(`groupNorm: x is ${formatShape(x.shape)}, expected [B, …, C].`);
  const { rows, cols: channels, ld } = rowsOf("groupNorm", x);
  if (rows > 0 && channels === 0) throw new ShapeError(`groupNorm: x ${formatShape(x.shape)} has no channels.`);
  if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0)) {
    throw new ConfigError(`groupNorm: groups is ${groups}, expected a divisor of the ${channels} channels.`);
  }
  expectShape("groupNorm", "weight", weight, [channels]);
  expectShape("groupNorm", "bias", bias, [channels]);
  expectContiguous("groupNorm", { weight, bias });
  const batch = x.shape[0];
  const pixels = numelOf(x.shape.slice(1, -1));
  if (pixels === 0) {
    throw new ShapeError(`groupNorm: the images of ${formatShape(x.shape)} are empty, expected at least one pixel.`);
  }
  const y = empty(x.shape);
  const stats = empty([batch, groups, 2]);
  const eps = options.eps ?? 1e-5;
  const [w, b, to, at] = [weight.ptr, bias.ptr, y.ptr, stats.ptr];
  kernels.group_norm_f32(batch, pixels, channels, groups, x.ptr, ld, eps, w, b, to, channels, at);
  const tail = applyTail(y, options);
  return record("groupNorm", y, [x, weight, bias, tail.residual], () => {
    const dy = tail.gradient();
    const sums = empty([2, batch, channels]).ptr;
    const [from, w, at] = [x.ptr, weight.ptr, stats.ptr];
    kernels.group_norm_sums_f32(batch, pixels, channels, groups, from, ld, at, dy, channels, sums);
    const [dw, db] = [gradTarget(weight), gradTarget(bias)];
    if (dw) kernels.column_sum_f32(channels, batch, sums, channels, dw.beta, dw.ptr);
    if (db) kernels.column_sum_f32(channels, batch, sums + 4 * batch * channels, channels, db.beta, db.ptr);
    const dx = gradTarget(x);
    if (dx) {
      const [ldy, ldx] = [channels, ld];
      const { beta, ptr } = dx;
      kernels.group_norm_grad_input_f32(
        batch,
        pixels,
        channels,
        groups,
        from,
        ld,
        at,
        sums,
        w,
        dy,
        ldy,
        beta,
        ptr,
        ldx,
      );
    }
    tail.finish();
  });
}
