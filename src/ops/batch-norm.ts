import { gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { applyTail, expectTail, type NormTail } from "./norm-tail.js";

/** Rows per partial result (assembly/batch_norm.ts). */
const BLOCK_ROWS = 256;

/** What a channel's numbers are centred on and divided by, outside training. */
export interface RunningStatistics {
  /** [C] */
  readonly mean: Tensor;
  /** [C] */
  readonly variance: Tensor;
}

export interface BatchNormOptions extends NormTail {
  /** Whether the statistics are those of the batch; the running ones then move towards them. Default false. */
  training?: boolean;
  /** How far running statistics move towards those of a batch, 0 … 1. Default 0.1. */
  momentum?: number;
  /** ε > 0; default 1e-5 */
  eps?: number;
}

interface Statistics {
  readonly mean: Tensor;
  /** Of divisor rows. */
  readonly variance: Tensor;
}

/**
 * Batch normalisation: (x − μ)/√(σ² + ε) ⊙ weight + bias, channel by channel, with μ and σ² over all images and pixels of
 * the batch (`training`) or the running ones (Ioffe, Szegedy 2015). In training the running statistics move in place by
 * momentum·(batch − running), their variance with the divisor n − 1.
 *
 * @param x  [..., C], channels last; a slice of channels is read in place
 * @param weight  [C]
 * @param bias    [C]
 * @param running  mean and variance [C]; no gradient flows to them
 * @returns of x's shape
 * @throws ShapeError if a [C] is of another length, pixels are not evenly spaced, or training has fewer than two numbers per
 *   channel; DTypeError
 */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  running: RunningStatistics,
  options: BatchNormOptions = {},
): Tensor {
  const { training = false, momentum = 0.1, eps = 1e-5 } = options;
  const given = { weight, bias, mean: running.mean, variance: running.variance };
  expectDType("batchNorm", { x, ...given }, "f32");
  expectTail("batchNorm", x, options);
  const { rows, cols: channels, ld } = rowsOf("batchNorm", x);
  for (const [name, tensor] of Object.entries(given)) expectShape("batchNorm", name, tensor, [channels]);
  expectContiguous("batchNorm", given);
  if (training && rows < 2) {
    throw new ShapeError(
      `batchNorm: x ${formatShape(x.shape)} has ${rows} numbers per channel, expected at least 2 in training.`,
    );
  }
  const statistics = training ? batchStatistics(x.ptr, { rows, channels, ld }) : copied(running);
  if (training) moveRunning(running, statistics, momentum, rows);
  const [mean, variance] = [statistics.mean.ptr, statistics.variance.ptr];
  const y = empty(x.shape);
  kernels.batch_norm_f32(rows, channels, x.ptr, ld, mean, variance, eps, weight.ptr, bias.ptr, y.ptr, channels);
  const tail = applyTail(y, options);
  return record("batchNorm", y, [x, weight, bias, tail.residual], () => {
    const dy = tail.gradient();
    const [dw, db, dx] = [gradTarget(weight), gradTarget(bias), gradTarget(x)];
    const from = [x.ptr, ld, mean, variance, eps] as const;
    let sums = 0;
    if (dw || db || training) {
      const blocks = Math.ceil(rows / BLOCK_ROWS);
      const [parts, whole] = [empty([blocks, 2, channels]).ptr, empty([2, channels]).ptr];
      kernels.batch_norm_sums_f32(blocks, rows, channels, ...from, dy, channels, parts);
      kernels.column_sum_f32(2 * channels, blocks, parts, 2 * channels, 0, whole);
      if (dw) kernels.scale_f32(channels, 1, whole, dw.beta, dw.ptr);
      if (db) kernels.scale_f32(channels, 1, whole + 4 * channels, db.beta, db.ptr);
      if (training) sums = whole;
    }
    const slopes = [weight.ptr, sums, dy, channels] as const;
    if (dx) kernels.batch_norm_grad_input_f32(rows, channels, ...from, ...slopes, dx.beta, dx.ptr, ld);
    tail.finish();
  });
}

/** Partial results per block of rows, joined afterwards: the same numbers for any division of the work. */
function batchStatistics(
  x: number,
  { rows, channels, ld }: { rows: number; channels: number; ld: number },
): Statistics {
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const moments = empty([blocks, 2, channels]);
  const [mean, variance] = [empty([channels]), empty([channels])];
  kernels.batch_norm_moments_f32(blocks, rows, channels, x, ld, moments.ptr);
  kernels.batch_norm_join_f32(channels, blocks, rows, moments.ptr, mean.ptr, variance.ptr);
  return { mean, variance };
}

/** The backward pass must find the statistics of its forward pass, whatever happens to the running ones. */
function copied(running: RunningStatistics): Statistics {
  const copy = (x: Tensor) => {
    const y = empty(x.shape);
    kernels.scale_f32(x.numel, 1, x.ptr, 0, y.ptr);
    return y;
  };
  return { mean: copy(running.mean), variance: copy(running.variance) };
}

function moveRunning(running: RunningStatistics, batch: Statistics, momentum: number, rows: number): void {
  const channels = batch.mean.numel;
  const unbiased = empty([channels]);
  kernels.scale_f32(channels, rows / (rows - 1), batch.variance.ptr, 0, unbiased.ptr);
  kernels.ema_f32(channels, momentum, batch.mean.ptr, running.mean.ptr);
  kernels.ema_f32(channels, momentum, unbiased.ptr, running.variance.ptr);
}
