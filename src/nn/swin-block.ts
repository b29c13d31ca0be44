import { residual } from "../ops/residual.js";
import type { WindowLayout } from "../ops/window-layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { type DropPath, sampled } from "./drop-path.js";
import { Mlp } from "./mlp.js";
import { derive, Module } from "./module.js";
import { LayerNorm } from "./norm.js";
import { WindowAttention, type WindowAttentionOptions } from "./window-attention.js";

/** ε of every norm of a Swin transformer. */
export const SWIN_NORM_EPS = 1e-5;

/** Size of a Swin block, and what it has beside its weights. */
export interface SwinBlockOptions extends WindowAttentionOptions {
  /** Whether its windows are moved by half their side. */
  shifted: boolean;
  mlpRatio?: number;
  dropPathRate?: number;
}

/** x += attn(norm1(x)), x += ffn(norm2(x)), with attention within windows (Liu et al. 2021). */
export class SwinBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attn: WindowAttention;
  readonly norm2: LayerNorm;
  readonly ffn: Mlp;
  /** Of its own place in the full network; a shallower one keeps it. */
  readonly shifted: boolean;
  readonly dropPathRate: number;

  constructor(width: number, options: SwinBlockOptions) {
    super();
    const { shifted, mlpRatio = 4, dropPathRate = 0, init = "official", rng } = options;
    this.norm1 = new LayerNorm(width, { eps: SWIN_NORM_EPS });
    this.attn = new WindowAttention(width, { ...options, rng: rng.fork(1) });
    this.norm2 = new LayerNorm(width, { eps: SWIN_NORM_EPS });
    this.ffn = new Mlp(width, mlpRatio * width, { rng: rng.fork(2), init });
    this.shifted = shifted;
    this.dropPathRate = dropPathRate;
  }

  /**
   * @param x  [B, H, W, w]
   * @param layout  of its windows over maps of that size
   * @param dropPath  draws of stochastic depth, anew for each branch; null = none
   * @returns [B, H, W, w]
   */
  forward(x: Tensor, layout: WindowLayout, dropPath: DropPath = null): Tensor {
    x = this.branch(x, dropPath, (maps) => this.attn.forward(this.norm1.forward(maps), layout));
    return this.branch(x, dropPath, (maps) => this.ffn.forward(this.norm2.forward(maps)));
  }

  private branch(x: Tensor, dropPath: DropPath, compute: (maps: Tensor) => Tensor): Tensor {
    const sample = dropPath?.(x.shape[0], this.dropPathRate) ?? {};
    return residual(x, compute(sampled(x, sample)), sample);
  }

  /** The first `width` channels, as views. */
  slice(width: number): SwinBlock {
    const ratio = this.ffn.fc1.weight.shape[0] / this.norm1.weight.numel;
    return derive<SwinBlock>(this, {
      norm1: this.norm1.slice(width),
      attn: this.attn.slice(width),
      norm2: this.norm2.slice(width),
      ffn: this.ffn.slice(width, ratio * width),
    });
  }
}
