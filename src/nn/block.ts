import { gatherRows } from "../ops/gather.js";
import { residual } from "../ops/residual.js";
import type { Tensor } from "../tensor/tensor.js";
import { Attention, type AttentionOptions } from "./attention.js";
import { type BranchSample, type DropPath, sampled } from "./drop-path.js";
import { LayerScale } from "./layer-scale.js";
import { Mlp } from "./mlp.js";
import { derive, Module } from "./module.js";
import { LayerNorm } from "./norm.js";

/** Size of a transformer block, and what it has beside its weights. */
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

  /**
   * What `forward` gives for some tokens alone, with the same bits: the others take part in attention and are not computed
   * further.
   *
   * @param x  [B, T, w]
   * @param rows  the tokens, as numbers over [B·T]
   * @param dropPath  draws of stochastic depth, as in `forward`
   * @returns [rows.length, w]
   */
  forwardAt(x: Tensor, rows: Int32Array, dropPath: DropPath = null): Tensor {
    const [batch, tokens] = x.shape;
    const images = rows.map((row) => Math.floor(row / tokens));
    const sample = dropPath?.(batch, this.dropPathRate) ?? {};
    const ofAttention = sampleOfRows(sample, images, batch);
    const attended = this.attn.forwardAt(this.norm1.forward(sampled(x, sample)), placesIn(sample, rows, tokens));
    const y = residual(gatherRows(x, rows), attended, { gamma: this.ls1?.gamma, ...ofAttention }); // [R, w]
    const ofMlp = sampleOfRows(dropPath?.(batch, this.dropPathRate) ?? {}, images, batch);
    const input = ofMlp.rows ? gatherRows(y, ofMlp.rows) : y;
    return residual(y, this.mlp.forward(this.norm2.forward(input)), { gamma: this.ls2?.gamma, ...ofMlp });
  }

  /** The first `width` channels, as views. */
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
    const sample = dropPath?.(x.shape[0], this.dropPathRate) ?? {};
    const branch = compute(sampled(x, sample));
    return residual(x.narrow(1, 0, kept), branch, { gamma: scale?.gamma, ...sample });
  }
}

/** A sample of the images of a batch as a sample of token rows, of which row r belongs to image images[r]. */
function sampleOfRows({ rows, scale }: BranchSample, images: Int32Array, batch: number): BranchSample {
  const factor = scale ?? (rows ? batch / rows.length : 1);
  const ofRows = {
    scale: typeof factor === "number" ? factor : Float32Array.from(images, (image) => factor[image]),
  };
  if (!rows) return ofRows;
  const computed = new Set(rows);
  return { ...ofRows, rows: Int32Array.from(images.keys()).filter((row) => computed.has(images[row])) };
}

/** Where the wanted token rows of the batch stand among those of the sampled images; rows of other images are left out. */
function placesIn({ rows }: BranchSample, wanted: Int32Array, tokens: number): Int32Array {
  if (!rows) return wanted;
  const places = new Map([...rows].map((image, place) => [image, place]));
  return wanted
    .filter((row) => places.has(Math.floor(row / tokens)))
    .map((row) => places.get(Math.floor(row / tokens))! * tokens + (row % tokens));
}
