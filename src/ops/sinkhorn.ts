import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, full } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType } from "./check.js";

/** Numbers per partial maximum. */
const BLOCK = 4096;

/**
 * Teacher targets by Sinkhorn-Knopp (Caron et al., 2020; spec §4.1): Q = exp(l/τ), then in turn every prototype (column) and
 * every sample (row) is divided by its sum, so that prototypes share the samples evenly and rows sum to 1. No gradient.
 *
 * The largest logit is subtracted first, which changes nothing but the range: logits more than 80 τ below it count as 80 τ.
 *
 * @param logits  [R, K], dense
 * @param options.temperature  τ > 0
 * @param options.iterations  pairs of divisions, at least 1; default 3
 * @returns targets [R, K]
 * @throws ShapeError unless logits are a dense matrix; ConfigError for a temperature or count out of range
 */
export function sinkhornKnopp(
  logits: Tensor,
  { temperature, iterations = 3 }: { temperature: number; iterations?: number },
): Tensor {
  expectDType("sinkhorn", { logits }, "f32");
  expectContiguous("sinkhorn", { logits });
  if (logits.shape.length !== 2)
    throw new ShapeError(`sinkhorn: logits are ${formatShape(logits.shape)}, expected [R, K].`);
  if (!(temperature > 0))
    throw new ConfigError(`sinkhorn: the temperature is ${temperature}, expected a number above 0.`);
  if (!(Number.isInteger(iterations) && iterations >= 1)) {
    throw new ConfigError(`sinkhorn: iterations is ${iterations}, expected a whole number from 1 on.`);
  }
  const [rows, cols] = logits.shape;
  const targets = empty([rows, cols]);
  if (targets.numel === 0) return targets;
  const shift = largest(logits);
  kernels.sinkhorn_exp_f32(targets.numel, logits.ptr, temperature, shift.ptr, targets.ptr);
  const rowScale = full([rows], 1);
  const columnScale = empty([cols]);
  for (let i = 0; i < iterations; i++) {
    kernels.sinkhorn_columns_f32(cols, rows, targets.ptr, rowScale.ptr, columnScale.ptr);
    kernels.sinkhorn_rows_f32(rows, cols, targets.ptr, columnScale.ptr, rowScale.ptr);
  }
  kernels.sinkhorn_scale_f32(rows, cols, rowScale.ptr, columnScale.ptr, targets.ptr);
  for (const x of [shift, rowScale, columnScale]) x.dispose();
  return targets;
}

/** The largest element of a dense tensor. */
function largest(x: Tensor): Tensor {
  const blocks = Math.ceil(x.numel / BLOCK);
  const maxima = empty([blocks]);
  kernels.max_blocks_f32(blocks, x.numel, x.ptr, maxima.ptr);
  if (blocks === 1) return maxima;
  const result = largest(maxima);
  maxima.dispose();
  return result;
}
