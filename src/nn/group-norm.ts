import { groupNorm } from "../ops/group-norm.js";
import type { NormTail } from "../ops/norm-tail.js";
import type { Tensor } from "../tensor/tensor.js";
import { constant } from "./init.js";
import { derive, Module } from "./module.js";

/** Group normalisation of images [B, H, W, C], with scale and shift [C]. */
export class GroupNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly groups: number;
  readonly eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 } = {}) {
    super();
    this.weight = constant([channels], 1);
    this.bias = constant([channels], 0);
    this.groups = groups;
    this.eps = eps;
  }

  /**
   * x normalised, [..., channels].
   *
   * @param tail  what follows within the result: a residual, the rectifier
   */
  forward(x: Tensor, tail: NormTail = {}): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, { eps: this.eps, ...tail });
  }

  /** A slice has as many groups, of fewer channels each (spec §2.4). */
  slice(channels: number): GroupNorm {
    return derive<GroupNorm>(this, {
      weight: this.weight.narrow(0, 0, channels),
      bias: this.bias.narrow(0, 0, channels),
    });
  }
}
