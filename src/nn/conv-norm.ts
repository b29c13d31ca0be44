import { relu } from "../ops/activation.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { Conv2d } from "./conv.js";
import type { WeightInit } from "./init.js";
import { Module } from "./module.js";
import { type MapNorm, mapNorm, type NormChoice } from "./residual-block.js";

/** Side of the kernel, the normalisation, and whether a ReLU follows. */
export interface ConvNormOptions {
  /** Side of the square window in pixels; the map keeps its size. Odd. */
  kernel: number;
  /** What normalises; null for none, then the convolution has a bias. */
  norm: NormChoice | null;
  /** Whether the rectifier comes last. Default true. */
  relu?: boolean;
  init?: WeightInit;
  rng: Rng;
}

/** A convolution that keeps the size of its map, a normalisation and the rectifier: the brick of dense heads. */
export class ConvNorm extends Module {
  readonly conv: Conv2d;
  readonly norm: MapNorm | null;
  readonly relu: boolean;

  constructor(inChannels: number, outChannels: number, options: ConvNormOptions) {
    super();
    const { kernel, norm, relu = true, init, rng } = options;
    const padding = (kernel - 1) / 2;
    this.conv = new Conv2d(inChannels, outChannels, { kernel, padding, bias: norm === null, init, rng });
    this.norm = norm && mapNorm(norm, outChannels);
    this.relu = relu;
  }

  /** x [B, H, W, in] to [B, H, W, out] */
  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    if (this.norm) return this.norm.forward(y, { relu: this.relu });
    return this.relu ? relu(y) : y;
  }
}
