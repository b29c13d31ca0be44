import { scopeUnlessRecording } from "../autograd/tape.js";
import { keptBlocks } from "../elastic/blocks.js";
import type { Depth } from "../elastic/space.js";
import { ConfigError, ShapeError } from "../errors.js";
import { constant, type WeightInit } from "../nn/init.js";
import { derive, Module } from "../nn/module.js";
import { LayerNorm } from "../nn/norm.js";
import { NormedPatchEmbed } from "../nn/patch-embed.js";
import { PatchMerging } from "../nn/patch-merging.js";
import { type BlockRun, runBlock } from "../nn/run-block.js";
import { SWIN_NORM_EPS, SwinBlock } from "../nn/swin-block.js";
import { gatherRows } from "../ops/gather.js";
import { maskRows } from "../ops/mask-rows.js";
import { globalAvgPool } from "../ops/pool.js";
import { type WindowLayout, windowLayout } from "../ops/window-layout.js";
import type { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Backbone } from "./backbone.js";
import type { ChosenTokens, Features, ForwardOptions } from "./features.js";
import { cellsOf, masksOnMap, patchTokens, type TokenGrid } from "./token-grid.js";

const STAGES = 4;
/** A cell of the last map covers so many patch embeddings along each axis. */
const REDUCTION = 8;

/** Size and layout of a Swin. */
export interface SwinOptions {
  /** Side of a patch embedding in pixels. */
  patchSize: number;
  channels?: number;
  /** Channels of stage 1; each stage has twice those of the one before. */
  width: number;
  /** Channels of the patch embedding and its norm, of which the first `width` go on; default all, `width`. */
  embedWidth?: number;
  /** Blocks of the four stages. */
  depths: readonly number[];
  /** For each block of each stage, whether its windows are moved; default: those with an odd index. */
  shifts?: readonly (readonly boolean[])[];
  headDim: number;
  /** Side of a window, in cells. */
  windowSize: number;
  mlpRatio?: number;
  qkvBias?: boolean;
  /** Whether windows are also moved along a side that one window covers; default true, as POA trains. */
  shiftSmallMaps?: boolean;
  /** Patch tokens per cell of the last map along each axis, a divisor of 8; default 2. */
  patchScale?: number;
  /** Rate of stochastic depth in the last block; it rises linearly from 0 in the first. */
  dropPathRate?: number;
  /** "official" is uniform within ±1/√fan_in, biases too (spec §2.9). */
  init?: WeightInit;
  rng: Rng;
}

/** Blocks that see maps of one size, and the step to the next size. */
export class SwinStage extends Module {
  readonly blocks: readonly SwinBlock[];
  readonly downsample: PatchMerging | null;

  constructor(blocks: readonly SwinBlock[], downsample: PatchMerging | null) {
    super();
    this.blocks = blocks;
    this.downsample = downsample;
  }

  /** `width` of its channels and the blocks with the given numbers. */
  slice(width: number, kept: readonly number[]): SwinStage {
    return derive<SwinStage>(this, {
      blocks: kept.map((i) => this.blocks[i].slice(width)),
      downsample: this.downsample?.slice(width) ?? null,
    });
  }
}

/**
 * Swin transformer (Liu et al., 2021) as POA trains it, whose narrower and shallower versions are views of it (spec §2.6).
 * Parameter names are the published ones.
 */
export class SwinTransformer extends Module implements Backbone {
  readonly mask_token: Tensor;
  readonly patch_embed: NormedPatchEmbed;
  readonly stages: readonly SwinStage[];
  readonly norm0: LayerNorm;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly shiftSmallMaps: boolean;
  readonly patchScale: number;

  constructor(options: SwinOptions) {
    super();
    const { patchSize, channels = 3, width, embedWidth = width, shiftSmallMaps = true, patchScale = 2, rng } = options;
    expectOptions(options);
    this.mask_token = constant([1, width], 0);
    this.patch_embed = new NormedPatchEmbed(channels, embedWidth, { patchSize, eps: SWIN_NORM_EPS, rng: rng.fork(1) });
    this.stages = stagesOf(options);
    const norm = (stage: number) => new LayerNorm(width * 2 ** stage, { eps: SWIN_NORM_EPS });
    [this.norm0, this.norm1, this.norm2, this.norm3] = [norm(0), norm(1), norm(2), norm(3)];
    this.shiftSmallMaps = shiftSmallMaps;
    this.patchScale = patchScale;
  }

  /** Channels of stage 1. */
  get width(): number {
    return this.norm0.weight.numel;
  }

  /** Channels of the patch embedding, of which the first `width` go on. */
  get embedWidth(): number {
    return this.patch_embed.norm.weight.numel;
  }

  /** Blocks of stage 3, the stage whose depth varies. */
  get depth(): number {
    return this.stages[2].blocks.length;
  }

  /** Blocks of the four stages. */
  get depths(): number[] {
    return this.stages.map(({ blocks }) => blocks.length);
  }

  /** Whether the windows of each block are moved. */
  get shifts(): boolean[][] {
    return this.stages.map(({ blocks }) => blocks.map(({ shifted }) => shifted));
  }

  /** Channels of an attention head. */
  get headDim(): number {
    return this.stages[0].blocks[0].attn.w_msa.headDim;
  }

  /** Side of an attention window in tokens. */
  get windowSize(): number {
    return this.stages[0].blocks[0].attn.w_msa.windowSize;
  }

  /** Length of the class feature: channels of the last stage. */
  get featureDim(): number {
    return this.norm3.weight.numel;
  }

  /**
   * @param images  [B, C, H, W], sides multiples of the patch size
   * @param options.masks  i32 [B, N] over the grid of patch tokens
   * @returns mean over the last map [B, 8w], patch tokens [B, N, 8w], the last map before its norm [B, cells, 8w]
   * @throws ShapeError for images or masks that do not fit
   */
  forward(images: Tensor, options: ForwardOptions = {}): Features {
    const map = this.encode(images, options);
    const grid = this.gridOf(map);
    const y = this.norm3.forward(map); //                                        [B, h, w, 8w]
    return {
      classToken: globalAvgPool(y), //                                           [B, 8w]
      patchTokens: patchTokens(asRows(y), grid), //                              [B, N, 8w]
      prenorm: map.reshape([grid.batch, grid.height * grid.width, -1]), //       [B, h·w, 8w]
    };
  }

  /** The class feature of `forward` alone, with the same bits. */
  classToken(images: Tensor, options: ForwardOptions = {}): Tensor {
    return globalAvgPool(this.norm3.forward(this.encode(images, options)));
  }

  /**
   * The class feature of `forward` and some of its patch tokens, with the same bits, straight from the last map.
   *
   * @param patches  numbers over [B·N]
   * @returns class features [B, 8w], the patch tokens [patches.length, 8w]
   */
  tokensAt(images: Tensor, patches: Int32Array, options: ForwardOptions = {}): ChosenTokens {
    const map = this.encode(images, options);
    const y = this.norm3.forward(map);
    return {
      classToken: globalAvgPool(y),
      patchTokens: gatherRows(asRows(y), cellsOf(patches, this.gridOf(map))),
    };
  }

  /**
   * The maps of the given stages (0 to 3), each through its own norm: what a linear probe reads (spec §7.2). Those of the
   * first three are not trained.
   *
   * @returns mean over the map and its cells [B, cells, c], stage by stage
   */
  intermediate(images: Tensor, positions: readonly number[], run: BlockRun = {}): Omit<Features, "prenorm">[] {
    const taken: Omit<Features, "prenorm">[] = [];
    const norms = [this.norm0, this.norm1, this.norm2, this.norm3];
    this.encode(images, run, (map, stage) => {
      if (!positions.includes(stage)) return;
      const y = norms[stage].forward(map); //                                    [B, h, w, c]
      taken.push({ classToken: globalAvgPool(y), patchTokens: y.reshape([y.shape[0], -1, y.shape[3]]) });
    });
    return taken;
  }

  /**
   * The sub-network with the first `width` channels of stage 1, as many times as many of the others, and `depth` of the
   * blocks of stage 3: the same class over views of the same tensors, so that its gradients land in the full ones.
   */
  slice({ width = this.width, depth = this.depth }: { width?: number; depth?: Depth }): SwinTransformer {
    const { headDim } = this;
    const isPart = width % headDim === 0 && width >= headDim && width <= this.width;
    if (!(typeof depth === "number" && isPart && depth >= 1 && depth <= this.depth)) {
      throw new ShapeError(
        `swin.slice: ${width}x${depth} is not a part of ${this.width}x${this.depth}; width is a multiple of the head dimension ${headDim}.`,
      );
    }
    const kept = (stage: number) => keptBlocks(this.depths[stage], stage === 2 ? depth : this.depths[stage]);
    return derive<SwinTransformer>(this, {
      mask_token: this.mask_token.narrow(1, 0, width),
      stages: this.stages.map((stage, s) => stage.slice(width * 2 ** s, kept(s))),
      norm0: this.norm0.slice(width),
      norm1: this.norm1.slice(2 * width),
      norm2: this.norm2.slice(4 * width),
      norm3: this.norm3.slice(8 * width),
    });
  }

  /** Linear layers and the two attention products, over filled-up windows; norms, softmax and GELU are left out. */
  multiplyAdds(side: number): number {
    const { proj, patchSize } = this.patch_embed;
    let cells = side / patchSize;
    let sum = cells * cells * proj.weight.numel;
    for (const [s, { blocks, downsample }] of this.stages.entries()) {
      const inWindows = (Math.ceil(cells / this.windowSize) * this.windowSize) ** 2;
      for (const { attn, ffn } of blocks) {
        const { qkv, proj } = attn.w_msa;
        sum += inWindows * (qkv.weight.numel + proj.weight.numel + 2 * this.windowSize ** 2 * this.width * 2 ** s);
        sum += cells * cells * (ffn.fc1.weight.numel + ffn.fc2.weight.numel);
      }
      if (!downsample) continue;
      cells = Math.ceil(cells / 2);
      sum += cells * cells * downsample.reduction.weight.numel;
    }
    return sum;
  }

  /** The map after the last stage [B, h, w, 8w]; each stage's own goes to `visit`. */
  private encode(images: Tensor, options: ForwardOptions, visit?: (map: Tensor, stage: number) => void): Tensor {
    let x = this.embed(images, options.masks ?? null); //                        [B, H/p, W/p, w]
    this.stages.forEach((stage, s) => {
      x = this.through(x, stage.blocks, options); //                             [B, h, w, c]
      visit?.(x, s);
      const { downsample } = stage;
      const input = x;
      if (downsample) x = scopeUnlessRecording(() => downsample.forward(input)); // [B, ⌈h/2⌉, ⌈w/2⌉, 2c]
    });
    return x;
  }

  private through(x: Tensor, blocks: readonly SwinBlock[], run: BlockRun): Tensor {
    const layoutOf = this.layouts(x.shape[1], x.shape[2]);
    for (const block of blocks) {
      const [input, layout] = [x, layoutOf(block.shifted)];
      x = runBlock(block, input, run, (dropPath) => block.forward(input, layout, dropPath));
    }
    return x;
  }

  /** Still and moved windows over maps of one size, each laid out when it is first asked for, in the frame of that time. */
  layouts(height: number, width: number): (shifted: boolean) => WindowLayout {
    const { windowSize: window, shiftSmallMaps } = this;
    const along = (size: number) => (shiftSmallMaps || size > window ? Math.floor(window / 2) : 0);
    const made = new Map<string, WindowLayout>();
    return (shifted) => {
      const shift = shifted ? ([along(height), along(width)] as const) : ([0, 0] as const);
      const key = shift.join();
      const layout = made.get(key) ?? windowLayout(height, width, { window, shift });
      made.set(key, layout);
      return layout;
    };
  }

  private embed(images: Tensor, masks: Tensor | null): Tensor {
    const { patchSize } = this.patch_embed;
    const [batch, , imageHeight, imageWidth] = images.shape;
    if (images.shape.length !== 4 || imageHeight % patchSize !== 0 || imageWidth % patchSize !== 0) {
      throw new ShapeError(
        `swin: images are ${formatShape(images.shape)}, expected [B, C, H, W] with sides that are multiples of ${patchSize}.`,
      );
    }
    const x = this.patch_embed.forward(images).narrow(3, 0, this.width); //      [B, H/p, W/p, w]
    if (!masks) return x;
    const [, height, width] = x.shape;
    const { patchScale: scale } = this;
    const last = { height: Math.ceil(height / REDUCTION), width: Math.ceil(width / REDUCTION) };
    const map = { factor: REDUCTION / scale, height, width };
    return maskRows(x, this.mask_token.select(0, 0), masksOnMap(masks, { batch, ...last, scale }, map));
  }

  private gridOf({ shape: [batch, height, width] }: Tensor): TokenGrid {
    return { batch, height, width, scale: this.patchScale };
  }
}

/** Cells of maps as rows. */
const asRows = (y: Tensor) => y.reshape([-1, y.shape[3]]);

function stagesOf(options: SwinOptions): SwinStage[] {
  const { width, depths, dropPathRate = 0, rng } = options;
  const init = (options.init ?? "official") === "official" ? "uniform" : options.init;
  const shifts = options.shifts ?? depths.map((depth) => Array.from({ length: depth }, (_, i) => i % 2 === 1));
  const last = depths.reduce((sum, depth) => sum + depth, 0) - 1;
  let index = 0;
  return depths.map((depth, s) => {
    const channels = width * 2 ** s;
    const blocks = Array.from({ length: depth }, (_, i) => {
      const rate = last === 0 ? dropPathRate : (dropPathRate * index++) / last;
      const own = { shifted: shifts[s][i], dropPathRate: rate, init, rng: rng.fork(2, s, i) };
      return new SwinBlock(channels, { ...options, ...own });
    });
    const merging = { eps: SWIN_NORM_EPS, init, rng: rng.fork(3, s) };
    return new SwinStage(blocks, s < STAGES - 1 ? new PatchMerging(channels, merging) : null);
  });
}

/** @throws ConfigError, ShapeError */
function expectOptions(options: SwinOptions): void {
  const { width, embedWidth = width, depths, shifts, headDim, patchScale = 2 } = options;
  if (width % headDim !== 0)
    throw new ShapeError(`swin: width ${width} is not a multiple of the head dimension ${headDim}.`);
  if (embedWidth < width)
    throw new ShapeError(`swin: embedWidth is ${embedWidth}, expected at least the width, ${width}.`);
  if (depths.length !== STAGES || depths.some((depth) => !(depth >= 1))) {
    throw new ConfigError(`swin: depths are [${depths.join(", ")}], expected four numbers of blocks from 1 on.`);
  }
  if (shifts && depths.some((depth, s) => shifts[s]?.length !== depth))
    throw new ConfigError(`swin: shifts do not name each of the blocks, [${depths.join(", ")}].`);
  if (!Number.isInteger(REDUCTION / patchScale))
    throw new ConfigError(`swin: patchScale is ${patchScale}, expected a divisor of ${REDUCTION}.`);
}
