import { layerNorm } from "../ops/layer-norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { constant } from "./init.js";
import { derive, Module } from "./module.js";

/** Layer normalisation over the last axis, with scale and shift [width]. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;

  constructor(width: number, { eps = 1e-6 } = {}) {
    super();
    this.weight = constant([width], 1);
    this.bias = constant([width], 0);
    this.eps = eps;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, { eps: this.eps });
  }

  /** Statistics of a slice are those of its active channels. */
  slice(width: number): LayerNorm {
    return derive<LayerNorm>(this, { weight: this.weight.narrow(0, 0, width), bias: this.bias.narrow(0, 0, width) });
  }
}
