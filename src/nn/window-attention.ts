import { attention } from "../ops/attention.js";
import type { WindowLayout } from "../ops/window-layout.js";
import { joinWindows, partitionWindows } from "../ops/windows.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { constant, type WeightInit } from "./init.js";
import { Linear } from "./linear.js";
import { derive, Module } from "./module.js";
import { relativePositionBias } from "./relative-position.js";

/** Channels of a head, side of the windows, bias and start of the weights. */
export interface WindowAttentionOptions {
  headDim: number;
  /** Side of a window, in cells. */
  windowSize: number;
  rng: Rng;
  qkvBias?: boolean;
  init?: WeightInit;
}

/** Multi-head self-attention within windows: softmax(q·kᵀ/√headDim + B + mask)·v, B by relative position. */
export class WindowMsa extends Module {
  /** [(2·windowSize − 1)², heads] */
  readonly relative_position_bias_table: Tensor;
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly headDim: number;
  readonly windowSize: number;

  constructor(width: number, options: WindowAttentionOptions) {
    super();
    const { headDim, windowSize, rng, qkvBias = true, init = "official" } = options;
    this.relative_position_bias_table = constant([(2 * windowSize - 1) ** 2, width / headDim], 0);
    this.qkv = new Linear(width, 3 * width, { rng: rng.fork(1), bias: qkvBias, init });
    this.proj = new Linear(width, width, { rng: rng.fork(2), init });
    this.headDim = headDim;
    this.windowSize = windowSize;
  }

  /**
   * @param x  [n, windowSize², w]
   * @param mask  added to the scores of each window, the same for every so many  [m, T, T]
   * @returns [n, windowSize², w]
   */
  forward(x: Tensor, mask: Tensor | null): Tensor {
    const [count, cells, width] = x.shape;
    const qkv = this.qkv.forward(x); //                                          [n, T, 3·w]
    const split = qkv.reshape([count, cells, 3, width / this.headDim, this.headDim]);
    const bias = relativePositionBias(this.relative_position_bias_table, this.windowSize);
    return this.proj.forward(attention(split, { bias, mask })); //               [n, T, w]
  }

  /** The first width/headDim heads. */
  slice(width: number): WindowMsa {
    return derive<WindowMsa>(this, {
      relative_position_bias_table: this.relative_position_bias_table.narrow(1, 0, width / this.headDim),
      qkv: this.qkv.sliceGroups(3, width, width),
      proj: this.proj.slice(width, width),
    });
  }
}

/** Attention within the windows that lie over a map. */
export class WindowAttention extends Module {
  readonly w_msa: WindowMsa;

  constructor(width: number, options: WindowAttentionOptions) {
    super();
    this.w_msa = new WindowMsa(width, options);
  }

  /**
   * Cells with which a map is filled up are zeros here, and so have keys and values of their own: the biases.
   *
   * @param x  [B, H, W, w]
   * @returns [B, H, W, w]
   */
  forward(x: Tensor, layout: WindowLayout): Tensor {
    const windows = partitionWindows(x, layout); //                              [B·n, T, w]
    return joinWindows(this.w_msa.forward(windows, layout.mask), layout); //     [B, H, W, w]
  }

  /** The first width/headDim heads. */
  slice(width: number): WindowAttention {
    return derive<WindowAttention>(this, { w_msa: this.w_msa.slice(width) });
  }
}
