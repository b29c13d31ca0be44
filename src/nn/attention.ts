import { attention } from "../ops/attention.js";
import { gatherRows } from "../ops/gather.js";
import { contiguous } from "../ops/layout.js";
import { matmul } from "../ops/matmul.js";
import { softmax } from "../ops/softmax.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { WeightInit } from "./init.js";
import { Linear } from "./linear.js";
import { derive, Module } from "./module.js";

export interface AttentionOptions {
  headDim: number;
  rng: Rng;
  qkvBias?: boolean;
  projBias?: boolean;
  init?: WeightInit;
}

/** Multi-head self-attention: softmax(q·kᵀ/√headDim)·v per head of `headDim` channels. */
export class Attention extends Module {
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly headDim: number;

  constructor(width: number, { headDim, rng, qkvBias = true, projBias = true, init = "official" }: AttentionOptions) {
    super();
    this.qkv = new Linear(width, 3 * width, { rng: rng.fork(1), bias: qkvBias, init });
    this.proj = new Linear(width, width, { rng: rng.fork(2), bias: projBias, init });
    this.headDim = headDim;
  }

  /**
   * @param x  [B, T, w]
   * @param queries  how many of the first tokens ask; all of them answer
   * @returns [B, queries, w]
   */
  forward(x: Tensor, queries = x.shape[1]): Tensor {
    return this.proj.forward(this.heads(x, queries)); //                         [B, queries, w]
  }

  /**
   * The output of some tokens alone, with the same bits.
   *
   * @param x  [B, T, w]
   * @param rows  which tokens ask, as numbers over [B·T]
   * @returns [rows.length, w]
   */
  forwardAt(x: Tensor, rows: Int32Array): Tensor {
    return this.proj.forward(gatherRows(this.heads(x), rows));
  }

  /**
   * The weights with which `forward` averages values, for looking at: softmax(q·kᵀ/√headDim).
   *
   * @param x  [B, T, w]
   * @param queries  how many of the first tokens ask
   * @returns [B, H, queries, T], rows summing to 1
   */
  weights(x: Tensor, queries = x.shape[1]): Tensor {
    const split = this.split(x); //                                              [B, T, 3, H, d]
    const [batch, tokens, , heads, dim] = split.shape;
    const part = (which: number) =>
      contiguous(split.select(2, which).permute([0, 2, 1, 3])).reshape([batch * heads, tokens, dim]);
    const scores = matmul(part(0).narrow(1, 0, queries), part(1).permute([0, 2, 1])); // [B·H, queries, T]
    return softmax(scores, { temperature: Math.sqrt(dim) }).reshape([batch, heads, queries, tokens]);
  }

  private heads(x: Tensor, queries = x.shape[1]): Tensor {
    return attention(this.split(x), { queries }); //                             [B, queries, w]
  }

  /** Query, key and value of each token  [B, T, 3, H, d]. */
  private split(x: Tensor): Tensor {
    const [batch, tokens, width] = x.shape;
    const qkv = this.qkv.forward(x); //                                          [B, T, 3·w]
    return qkv.reshape([batch, tokens, 3, width / this.headDim, this.headDim]);
  }

  /** The first width/headDim heads. */
  slice(width: number): Attention {
    return derive<Attention>(this, { qkv: this.qkv.sliceGroups(3, width, width), proj: this.proj.slice(width, width) });
  }
}
