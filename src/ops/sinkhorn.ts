import { ConfigError, ShapeError } from "../errors.js";
import { alone, type Collective, gatherNumbers, sumMemory } from "../runtime/collective.js";
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
 * With several ranks the samples are those of all of them; each gives its own, none among them, and has their targets back.
 *
 * @param logits  [R, K], dense
 * @param options.temperature  τ > 0
 * @param options.iterations  pairs of divisions, at least 1; default 3
 * @param options.ranks  the processes that share the samples; default this one alone
 * @returns targets [R, K]
 * @throws ShapeError unless logits are a dense matrix; ConfigError for a temperature or count out of range
 */
export function sinkhornKnopp(
  logits: Tensor,
  { temperature, iterations = 3, ranks = alone }: { temperature: number; iterations?: number; ranks?: Collective },
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
  if (targets.numel === 0 && ranks.size === 1) return targets;
  const { samples, shift } = wholeBatch(logits, ranks);
  kernels.sinkhorn_exp_f32(targets.numel, logits.ptr, temperature, shift.ptr, targets.ptr);
  const rowScale = full([rows], 1);
  const columnScale = empty([cols]);
  for (let i = 0; i < iterations; i++) {
    kernels.sinkhorn_column_sums_f32(cols, rows, targets.ptr, rowScale.ptr, columnScale.ptr);
    sumMemory(ranks, [columnScale]);
    kernels.sinkhorn_shares_f32(cols, columnScale.ptr, samples / cols, columnScale.ptr);
    kernels.sinkhorn_rows_f32(rows, cols, targets.ptr, columnScale.ptr, rowScale.ptr);
  }
  kernels.sinkhorn_scale_f32(rows, cols, rowScale.ptr, columnScale.ptr, targets.ptr);
  for (const x of [shift, rowScale, columnScale]) x.dispose();
  return targets;
}

/** How many samples all ranks have, and the largest of their logits. */
function wholeBatch(logits: Tensor, ranks: Collective): { samples: number; shift: Tensor } {
  const [rows] = logits.shape;
  if (ranks.size === 1) return { samples: rows, shift: largest(logits) };
  const own = logits.numel > 0 ? largest(logits) : null;
  const told = gatherNumbers(ranks, [rows, own?.toArray()[0] ?? Number.NEGATIVE_INFINITY]);
  own?.dispose();
  const samples = told.reduce((sum, [count]) => sum + count, 0);
  return { samples, shift: full([1], Math.max(...told.map(([, value]) => value))) };
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
