import { layerNorm } from "../ops/layer-norm.js";
import { contiguous } from "../ops/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { constant } from "./init.js";
import { derive, Module } from "./module.js";

/** Layer normalisation over the last axis, with scale and shift [width]; a slice of grouped channels has [g, width]. */
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

  /** x [..., width], each row normalised. */
  forward(x: Tensor): Tensor {
    return layerNorm(x, asRow(this.weight), asRow(this.bias), { eps: this.eps });
  }

  /** Statistics of a slice are those of its active channels. */
  slice(width: number): LayerNorm {
    return derive<LayerNorm>(this, { weight: this.weight.narrow(0, 0, width), bias: this.bias.narrow(0, 0, width) });
  }

  /** The first `width` channels of each of `groups` equal groups, which stand one after the other in x. */
  sliceGroups(groups: number, width: number): LayerNorm {
    const first = (x: Tensor) => x.reshape([groups, -1]).narrow(1, 0, width);
    return derive<LayerNorm>(this, { weight: first(this.weight), bias: first(this.bias) });
  }

  /** Makes one row of the groups, so that an ordinary layer remains. */
  override materialize(): this {
    const dense = super.materialize();
    return derive<this>(dense, {
      weight: dense.weight.reshape([-1]),
      bias: dense.bias.reshape([-1]),
    } as Partial<this>);
  }
}

const asRow = (x: Tensor) => (x.shape.length === 1 ? x : contiguous(x).reshape([-1]));
