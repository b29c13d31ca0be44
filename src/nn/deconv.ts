import { contiguous } from "../ops/layout.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/**
 * Transposed convolution with a window of 2 × 2 and stride 2: each pixel becomes four, each by a linear layer of its own.
 * No two windows overlap, so it is a product whose outputs are laid out anew.
 */
export class Deconv2x2 extends Module {
  /** Rows in the order of output row, output column, channel. */
  readonly proj: Linear;

  constructor(inChannels: number, outChannels: number, rng: Rng) {
    super();
    this.proj = new Linear(inChannels, 4 * outChannels, { init: "uniform", rng });
  }

  /** x [B, H, W, in] to [B, 2H, 2W, out] */
  forward(x: Tensor): Tensor {
    const [batch, height, width] = x.shape;
    const y = this.proj.forward(x).reshape([batch, height, width, 2, 2, -1]); //    [B, H, W, 2, 2, out]
    return contiguous(y.permute([0, 1, 3, 2, 4, 5])).reshape([batch, 2 * height, 2 * width, -1]);
  }
}
