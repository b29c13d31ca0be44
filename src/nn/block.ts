import { gatherRows } from "../ops/gather.js";
import { residual } from "../ops/residual.js";
import type { Tensor } from "../tensor/tensor.js";
import { Attention, type AttentionOptions } from "./attention.js";
import type { DropPath } from "./drop-path.js";
import { LayerScale } from "./layer-scale.js";
import { Mlp } from "./mlp.js";
import { derive, Module } from "./module.js";
import { LayerNorm } from "./norm.js";

export interface BlockOptions extends AttentionOptions {
  mlpRatio?: number;
  ffnBias?: boolean;
  /** Start of the layer scale; null = none. */
  layerScale?: number | null;
  dropPathRate?: number;
}

/** Pre-norm transformer block: x += γ₁·attn(norm1(x)), x += γ₂·mlp(norm2(x)). */
export class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attn: Attention;
  readonly ls1: LayerScale | null;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly ls2: LayerScale | null;
  readonly dropPathRate: number;

  constructor(width: number, options: BlockOptions) {
    super();
    const { rng, mlpRatio = 4, ffnBias = true, layerScale = null, dropPathRate = 0, init = "official" } = options;
    this.norm1 = new LayerNorm(width);
    this.attn = new Attention(width, { ...options, rng: rng.fork(1) });
    this.ls1 = layerScale === null ? null : new LayerScale(width, layerScale);
    this.norm2 = new LayerNorm(width);
    this.mlp = new Mlp(width, mlpRatio * width, { rng: rng.fork(2), bias: ffnBias, init });
    this.ls2 = layerScale === null ? null : new LayerScale(width, layerScale);
    this.dropPathRate = dropPathRate;
  }

  /**
   * @param x  [B, T, w]
   * @param dropPath  draws of stochastic depth; null = none
   * @param kept  how many of the first tokens are wanted; the others take part in attention and are not computed further
   * @returns [B, kept, w]
   */
  forward(x: Tensor, dropPath: DropPath = null, kept = x.shape[1]): Tensor {
    x = this.branch(x, dropPath, this.ls1, kept, (rows) => this.attn.forward(this.norm1.forward(rows), kept));
    return this.branch(x, dropPath, this.ls2, kept, (rows) => this.mlp.forward(this.norm2.forward(rows)));
  }

  slice(width: number): Block {
    const ratio = this.mlp.fc1.weight.shape[0] / this.norm1.weight.numel;
    return derive<Block>(this, {
      norm1: this.norm1.slice(width),
      attn: this.attn.slice(width),
      ls1: this.ls1?.slice(width) ?? null,
      norm2: this.norm2.slice(width),
      mlp: this.mlp.slice(width, ratio * width),
      ls2: this.ls2?.slice(width) ?? null,
    });
  }

  private branch(
    x: Tensor,
    dropPath: DropPath,
    scale: LayerScale | null,
    kept: number,
    compute: (rows: Tensor) => Tensor,
  ): Tensor {
    const [batch, tokens, width] = x.shape;
    const sample = dropPath?.(batch, this.dropPathRate) ?? {};
    const input = sample.rows
      ? gatherRows(x.reshape([batch, tokens * width]), sample.rows).reshape([-1, tokens, width])
      : x;
    return residual(x.narrow(1, 0, kept), compute(input), { gamma: scale?.gamma, ...sample });
  }
}
