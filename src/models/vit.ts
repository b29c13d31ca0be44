import { keptBlocks } from "../elastic/blocks.js";
import type { Depth } from "../elastic/space.js";
import { ShapeError } from "../errors.js";
import { Block } from "../nn/block.js";
import { constant, normal, truncatedNormal, type WeightInit } from "../nn/init.js";
import { derive, Module } from "../nn/module.js";
import { LayerNorm } from "../nn/norm.js";
import { PatchEmbed } from "../nn/patch-embed.js";
import { positionFor } from "../nn/pos-embed.js";
import { type BlockRun, runBlock } from "../nn/run-block.js";
import { embedTokens } from "../ops/tokens.js";
import type { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Backbone } from "./backbone.js";
import type { ChosenTokens, Features, ForwardOptions } from "./features.js";

/** Size and layout of a ViT. */
export interface VitOptions {
  /** Side of the square training image in pixels. */
  imageSize: number;
  patchSize: number;
  channels?: number;
  width: number;
  depth: number;
  headDim: number;
  mlpRatio?: number;
  /** Start of the layer scale; null = none. */
  layerScale?: number | null;
  qkvBias?: boolean;
  projBias?: boolean;
  ffnBias?: boolean;
  /** Rate of stochastic depth, the same for all blocks or rising linearly from 0 over them. */
  dropPathRate?: number;
  dropPathUniform?: boolean;
  init?: WeightInit;
  positionStd?: number;
  classTokenStd?: number;
  rng: Rng;
}

/**
 * Vision transformer with a class token (Dosovitskiy et al., 2021), whose narrower and shallower versions are views of it
 * (POA, spec §2.5). Parameter names are those of DINOv2 and timm.
 */
export class VisionTransformer extends Module implements Backbone {
  readonly cls_token: Tensor;
  readonly pos_embed: Tensor;
  readonly mask_token: Tensor;
  readonly patch_embed: PatchEmbed;
  readonly blocks: readonly Block[];
  readonly norm: LayerNorm;

  constructor(options: VitOptions) {
    super();
    const { imageSize, patchSize, channels = 3, width, depth, dropPathRate = 0, dropPathUniform = true, rng } = options;
    if (imageSize % patchSize !== 0)
      throw new ShapeError(`vit: image size ${imageSize} is not a multiple of the patch size ${patchSize}.`);
    if (width % options.headDim !== 0)
      throw new ShapeError(`vit: width ${width} is not a multiple of the head dimension ${options.headDim}.`);
    const patches = (imageSize / patchSize) ** 2;
    this.cls_token = normal([1, 1, width], options.classTokenStd ?? 1e-6, rng.fork(1));
    this.pos_embed = truncatedNormal([1, 1 + patches, width], options.positionStd ?? 0.02, rng.fork(2));
    this.mask_token = constant([1, width], 0);
    this.patch_embed = new PatchEmbed(channels, width, patchSize, rng.fork(3));
    const rate = (i: number) => (dropPathUniform || depth === 1 ? dropPathRate : (dropPathRate * i) / (depth - 1));
    this.blocks = Array.from(
      { length: depth },
      (_, i) => new Block(width, { ...options, dropPathRate: rate(i), rng: rng.fork(4, i) }),
    );
    this.norm = new LayerNorm(width);
  }

  /** Channels of a token. */
  get width(): number {
    return this.norm.weight.numel;
  }

  /** Number of blocks. */
  get depth(): number {
    return this.blocks.length;
  }

  /** Length of the class feature. */
  get featureDim(): number {
    return this.width;
  }

  /**
   * @param images  [B, C, H, W], sides multiples of the patch size
   * @returns class token [B, w], patch tokens [B, N, w], all tokens before the last norm [B, 1 + N, w]
   * @throws ShapeError for images or masks that do not fit
   */
  forward(images: Tensor, options: ForwardOptions = {}): Features {
    const x = this.encode(images, options);
    return { ...split(this.norm.forward(x)), prenorm: x };
  }

  /** The class token of `forward` alone, with the same bits: the last block computes no other token to its end. */
  classToken(images: Tensor, options: ForwardOptions = {}): Tensor {
    return this.norm.forward(this.encode(images, options, 1)).select(1, 0); //   [B, w]
  }

  /**
   * The class token of `forward` and some of its patch tokens, with the same bits: the last block computes no other token to
   * its end.
   *
   * @param patches  numbers over [B·N]
   * @returns class tokens [B, w], the patch tokens [patches.length, w]
   */
  tokensAt(images: Tensor, patches: Int32Array, options: ForwardOptions = {}): ChosenTokens {
    const x = this.embed(images, options.masks ?? null); //                      [B, 1 + N, w]
    const [batch, tokens] = x.shape;
    const patchRows = patches.map((patch) => patch + Math.floor(patch / (tokens - 1)) + 1);
    const rows = Int32Array.of(...Array.from({ length: batch }, (_, b) => b * tokens), ...patchRows);
    const last = this.depth - 1;
    const before = this.through(x, this.blocks.slice(0, last), options);
    const block = this.blocks[last];
    const chosen = runBlock(block, before, options, (dropPath) => block.forwardAt(before, rows, dropPath));
    const y = this.norm.forward(chosen); //                                      [B + M, w]
    return { classToken: y.narrow(0, 0, batch), patchTokens: y.narrow(0, batch, patches.length) };
  }

  /**
   * How much the class token attends to each patch in the last block.
   *
   * @param images  [B, C, H, W], sides multiples of the patch size
   * @returns [B, heads, N]; with the class token's attention to itself, which is left out, each head sums to 1
   */
  classAttention(images: Tensor): Tensor {
    const last = this.depth - 1;
    const before = this.through(this.embed(images, null), this.blocks.slice(0, last), {});
    const { norm1, attn } = this.blocks[last];
    const weights = attn.weights(norm1.forward(before), 1).select(2, 0); //      [B, H, 1 + N]
    return weights.narrow(2, 1, weights.shape[2] - 1);
  }

  private through(x: Tensor, blocks: readonly Block[], options: ForwardOptions): Tensor {
    for (const block of blocks) {
      const input = x;
      x = runBlock(block, input, options, (dropPath) => block.forward(input, dropPath));
    }
    return x;
  }

  /** The first `kept` tokens after the last block [B, kept, w]; all of them by default. */
  private encode(images: Tensor, options: ForwardOptions, kept?: number): Tensor {
    const last = this.depth - 1;
    const x = this.embed(images, options.masks ?? null); //                      [B, 1 + N, w]
    const before = this.through(x, this.blocks.slice(0, last), options);
    const block = this.blocks[last];
    return runBlock(block, before, options, (dropPath) => block.forward(before, dropPath, kept));
  }

  /** Tokens after the given block positions, each through the last norm: what a linear probe reads (spec §7.2). */
  intermediate(images: Tensor, positions: readonly number[], run: BlockRun = {}): Omit<Features, "prenorm">[] {
    let x = this.embed(images, null);
    const taken: Omit<Features, "prenorm">[] = [];
    this.blocks.forEach((block, i) => {
      const input = x;
      x = runBlock(block, input, run, (dropPath) => block.forward(input, dropPath));
      if (positions.includes(i)) taken.push(split(this.norm.forward(x)));
    });
    return taken;
  }

  /**
   * The sub-network with the first `width` channels and `depth` of the blocks: the same class over views of the same
   * tensors, so that its gradients land in the full ones.
   */
  slice({ width = this.width, depth = this.depth }: { width?: number; depth?: Depth }): VisionTransformer {
    const { headDim } = this.blocks[0].attn;
    if (
      !(
        typeof depth === "number" &&
        width % headDim === 0 &&
        width >= headDim &&
        width <= this.width &&
        depth >= 1 &&
        depth <= this.depth
      )
    ) {
      throw new ShapeError(
        `vit.slice: ${width}x${depth} is not a part of ${this.width}x${this.depth}; width is a multiple of the head dimension ${headDim}.`,
      );
    }
    return derive<VisionTransformer>(this, {
      cls_token: this.cls_token.narrow(2, 0, width),
      pos_embed: this.pos_embed.narrow(2, 0, width),
      mask_token: this.mask_token.narrow(1, 0, width),
      patch_embed: this.patch_embed.slice(width),
      blocks: keptBlocks(this.depth, depth).map((i) => this.blocks[i].slice(width)),
      norm: this.norm.slice(width),
    });
  }

  /** Linear layers and the two attention products; norms, softmax and GELU are left out, as is usual. */
  multiplyAdds(side: number): number {
    const { patch_embed, width, blocks } = this;
    const patches = (side / patch_embed.patchSize) ** 2;
    const tokens = patches + 1;
    const perToken = blocks.reduce(
      (sum, { attn, mlp }) =>
        sum + [attn.qkv, attn.proj, mlp.fc1, mlp.fc2].reduce((n, { weight }) => n + weight.numel, 0),
      0,
    );
    return patches * patch_embed.proj.weight.numel + tokens * perToken + blocks.length * 2 * tokens * tokens * width;
  }

  private embed(images: Tensor, masks: Tensor | null): Tensor {
    const patchSize = this.patch_embed.patchSize;
    const [, , height, width] = images.shape;
    if (images.shape.length !== 4 || height % patchSize !== 0 || width % patchSize !== 0) {
      throw new ShapeError(
        `vit: images are ${formatShape(images.shape)}, expected [B, C, H, W] with sides that are multiples of ${patchSize}.`,
      );
    }
    const patches = this.patch_embed.forward(images); //                         [B, N, w]
    const position = positionFor(this.pos_embed.select(0, 0), height / patchSize, width / patchSize);
    return embedTokens(patches, {
      cls: this.cls_token.select(0, 0).select(0, 0),
      position,
      maskToken: masks ? this.mask_token.select(0, 0) : null,
      mask: masks,
    });
  }
}

function split(tokens: Tensor): Omit<Features, "prenorm"> {
  return { classToken: tokens.select(1, 0), patchTokens: tokens.narrow(1, 1, tokens.shape[1] - 1) };
}
