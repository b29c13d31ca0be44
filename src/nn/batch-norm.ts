import { isRecording } from "../autograd/tape.js";
import { batchNorm } from "../ops/batch-norm.js";
import type { NormTail } from "../ops/norm-tail.js";
import type { Tensor } from "../tensor/tensor.js";
import { constant } from "./init.js";
import { buffer, derive, Module } from "./module.js";

/**
 * Batch normalisation of images [B, H, W, C], with scale and shift [C].
 *
 * There is no switch between training and evaluation that could be forgotten: statistics are those of the batch where a pass
 * through its weight is recorded, and the running ones everywhere else, so in a frozen network and under `noGrad`.
 */
export class BatchNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly running_mean: Tensor;
  readonly running_var: Tensor;
  readonly num_batches_tracked: Tensor;
  readonly eps: number;
  readonly momentum: number;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 } = {}) {
    super();
    this.weight = constant([channels], 1);
    this.bias = constant([channels], 0);
    this.running_mean = statistic([channels], 0);
    this.running_var = statistic([channels], 1);
    this.num_batches_tracked = statistic([], 0);
    this.eps = eps;
    this.momentum = momentum;
  }

  /**
   * x normalised, [..., channels].
   *
   * @param tail  what follows within the result: a residual, the rectifier
   */
  forward(x: Tensor, tail: NormTail = {}): Tensor {
    const { weight, bias, eps, momentum, num_batches_tracked: batches } = this;
    const training = isRecording() && weight.tracked;
    if (training) batches.write([batches.item() + 1]);
    const running = { mean: this.running_mean, variance: this.running_var };
    return batchNorm(x, weight, bias, running, { eps, momentum, training, ...tail });
  }

  /** The first channels, as views; running statistics too. */
  slice(channels: number): BatchNorm {
    return derive<BatchNorm>(this, {
      weight: this.weight.narrow(0, 0, channels),
      bias: this.bias.narrow(0, 0, channels),
      running_mean: buffer(this.running_mean.narrow(0, 0, channels)),
      running_var: buffer(this.running_var.narrow(0, 0, channels)),
    });
  }
}

/** State that is saved and not trained. */
function statistic(shape: readonly number[], value: number): Tensor {
  const x = buffer(constant(shape, value));
  x.storage.tracked = false;
  return x;
}
