import { attention } from "../ops/attention.js";
import { gatherRows } from "../ops/gather.js";
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

  private heads(x: Tensor, queries = x.shape[1]): Tensor {
    const [batch, tokens, width] = x.shape;
    const qkv = this.qkv.forward(x); //                                          [B, T, 3·w]
    const split = qkv.reshape([batch, tokens, 3, width / this.headDim, this.headDim]);
    return attention(split, { queries }); //                                     [B, queries, w]
  }

  /** The first width/headDim heads. */
  slice(width: number): Attention {
    return derive<Attention>(this, { qkv: this.qkv.sliceGroups(3, width, width), proj: this.proj.slice(width, width) });
  }
}
