import { scopeUnlessRecording } from "../autograd/tape.js";
import { keptBlocks } from "../elastic/blocks.js";
import type { Depth } from "../elastic/space.js";
import { ConfigError, ShapeError } from "../errors.js";
import { BatchNorm } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { constant, type WeightInit } from "../nn/init.js";
import { derive, Module } from "../nn/module.js";
import {
  BasicBlock,
  Bottleneck,
  type MapNorm,
  mapNorm,
  type NormChoice,
  type ResidualBlock,
} from "../nn/residual-block.js";
import { type BlockRun, runBlock } from "../nn/run-block.js";
import { gatherRows } from "../ops/gather.js";
import { contiguous } from "../ops/layout.js";
import { maskRows } from "../ops/mask-rows.js";
import { globalAvgPool, maxPool2d } from "../ops/pool.js";
import type { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Backbone } from "./backbone.js";
import type { ChosenTokens, Features, ForwardOptions } from "./features.js";
import { cellsOf, masksOnMap, patchTokens, type TokenGrid } from "./token-grid.js";

/** Size and layout of a ResNet. */
export interface ResNetOptions extends NormChoice {
  channels?: number;
  /** Channels after the stem. */
  stemChannels: number;
  /** Channels of stage 1; those of stage s are 2^(s−1) times as many. */
  outChannels: number;
  /** Middle channels of the blocks of stage 1; those of stage s are 2^(s−1) times as many. */
  width: number;
  /** Blocks of the four stages. */
  depths: readonly number[];
  /** Strides of the four stages. */
  strides: readonly number[];
  /** Patches per pixel of the last map, along one side. */
  patchScale?: number;
  /** Default "bottleneck". */
  block?: "bottleneck" | "basic";
  init?: WeightInit;
  rng: Rng;
}

/** The blocks that work at one resolution. */
class Stage extends Module {
  readonly layers: readonly ResidualBlock[];

  constructor(layers: readonly ResidualBlock[]) {
    super();
    this.layers = layers;
  }
}

/**
 * Residual network (He et al. 2016), whose versions with narrower middles and fewer blocks are views of it (POA, spec §2.7).
 * POA normalises groups, torchvision batches. Parameter names are those of POA without its inner wrappers.
 */
export class ResNet extends Module implements Backbone {
  readonly mask_token: Tensor;
  readonly conv1: Conv2d;
  readonly norm1: MapNorm;
  readonly layer1: Stage;
  readonly layer2: Stage;
  readonly layer3: Stage;
  readonly layer4: Stage;
  readonly patchScale: number;
  /** Pixels of the stem's map per pixel of the last one, along a side. */
  readonly reduction: number;

  constructor(options: ResNetOptions) {
    super();
    const { channels = 3, stemChannels, outChannels, width, depths, strides, patchScale = 1, init, rng } = options;
    if (depths.length !== 4 || strides.length !== 4) {
      throw new ConfigError(`resnet: depths [${depths}] and strides [${strides}], expected four stages of each.`);
    }
    this.reduction = strides.reduce((product, stride) => product * stride, 1);
    if (!Number.isInteger(this.reduction / patchScale)) {
      throw new ConfigError(
        `resnet: patchScale is ${patchScale}, expected a divisor of ${this.reduction}, the product of the strides.`,
      );
    }
    this.mask_token = constant([1, stemChannels, 1, 1], 0);
    this.conv1 = new Conv2d(channels, stemChannels, { kernel: 7, stride: 2, padding: 3, init, rng: rng.fork(1) });
    this.norm1 = mapNorm(options, stemChannels);
    const Block = options.block === "basic" ? BasicBlock : Bottleneck;
    const [first, second, third, fourth] = depths.map((depth, s) => {
      const [middle, out] = [width * 2 ** s, outChannels * 2 ** s];
      const before = s === 0 ? stemChannels : out / 2;
      const layers = Array.from({ length: depth }, (_, i) => {
        const [inChannels, stride] = i === 0 ? [before, strides[s]] : [out, 1];
        return new Block({ ...options, inChannels, middle, outChannels: out, stride, rng: rng.fork(2, s, i) });
      });
      return new Stage(layers);
    });
    this.layer1 = first;
    this.layer2 = second;
    this.layer3 = third;
    this.layer4 = fourth;
    this.patchScale = patchScale;
  }

  /** The four stages in order. */
  get stages(): readonly Stage[] {
    return [this.layer1, this.layer2, this.layer3, this.layer4];
  }

  /** Middle channels of the blocks of stage 1. */
  get width(): number {
    return this.layer1.layers[0].middle;
  }

  /** Blocks of the four stages. */
  get depths(): readonly number[] {
    return this.stages.map(({ layers }) => layers.length);
  }

  /** Length of the class feature: the same for every sub-network. */
  get featureDim(): number {
    return this.layer4.layers[0].outChannels;
  }

  /**
   * @param images  [B, C, H, W]
   * @returns mean over the last map [B, F], the map with every pixel repeated per patch [B, N, F], the map [B, h·w, F]
   * @throws ShapeError for images or masks that do not fit
   */
  forward(images: Tensor, options: ForwardOptions = {}): Features {
    const map = this.encode(images, options); //                                  [B, h, w, F]
    const prenorm = tokensOf(map);
    const patches = () => patchTokens(map.reshape([-1, map.shape[3]]), this.gridOf(map.shape));
    return { classToken: globalAvgPool(map), prenorm, patchTokens: this.patchScale === 1 ? prenorm : patches() };
  }

  /** The class feature of `forward` alone [B, F]. */
  classToken(images: Tensor, options: ForwardOptions = {}): Tensor {
    return globalAvgPool(this.encode(images, options));
  }

  /**
   * The class feature of `forward` and some of its patch tokens, gathered from the map itself.
   *
   * @param patches  numbers over [B·N]
   * @returns class features [B, F], the patch tokens [patches.length, F]
   */
  tokensAt(images: Tensor, patches: Int32Array, options: ForwardOptions = {}): ChosenTokens {
    const map = this.encode(images, options); //                                  [B, h, w, F]
    return { classToken: globalAvgPool(map), patchTokens: gatherRows(map, cellsOf(patches, this.gridOf(map.shape))) };
  }

  /** Maps after the given stages (0 to 3), their means and pixels, without a norm: what a linear probe reads (spec §7.2). */
  intermediate(images: Tensor, positions: readonly number[], run: BlockRun = {}): Omit<Features, "prenorm">[] {
    let x = this.stem(images, null);
    const taken: Omit<Features, "prenorm">[] = [];
    this.stages.forEach(({ layers }, s) => {
      x = this.through(x, layers, run);
      if (positions.includes(s)) taken.push({ classToken: globalAvgPool(x), patchTokens: tokensOf(x) });
    });
    return taken;
  }

  /**
   * The sub-network with the first middle channels, `width` of them in stage 1, and `depth` of the blocks of each stage: the
   * same class over views of the same tensors, so that its gradients land in the full ones.
   */
  slice({ width = this.width, depth = this.depths }: { width?: number; depth?: Depth }): ResNet {
    const groups = "groups" in this.norm1 ? this.norm1.groups : 1;
    const fits =
      typeof depth !== "number" && depth.length === 4 && depth.every((d, s) => d >= 1 && d <= this.depths[s]);
    if (!fits || width < 1 || width > this.width || width % groups !== 0) {
      throw new ShapeError(
        `resnet.slice: ${width}x[${depth}] is not a part of ${this.width}x[${this.depths}]; width is a multiple of the ${groups} groups.`,
      );
    }
    const [layer1, layer2, layer3, layer4] = this.stages.map(({ layers }, s) => {
      const kept = keptBlocks(layers.length, depth[s]);
      return new Stage(kept.map((i) => layers[i].slice(width * 2 ** s)));
    });
    return derive<ResNet>(this, { layer1, layer2, layer3, layer4 });
  }

  /** Convolutions; norms, ReLU and pooling are left out, as is usual. */
  multiplyAdds(side: number): number {
    let sum = this.conv1.multiplyAdds(side);
    side = halved(this.conv1.outputSide(side));
    for (const { layers } of this.stages) {
      for (const block of layers) {
        sum += block.multiplyAdds(side);
        side = block.outputSide(side);
      }
    }
    return sum;
  }

  private encode(images: Tensor, { masks = null, ...run }: ForwardOptions): Tensor {
    return this.stages.reduce((x, { layers }) => this.through(x, layers, run), this.stem(images, masks));
  }

  private through(x: Tensor, blocks: readonly ResidualBlock[], run: BlockRun): Tensor {
    // To run a block again would move the running statistics of batches again.
    const recompute = run.recompute && !(this.norm1 instanceof BatchNorm);
    for (const block of blocks) {
      const input = x;
      x = runBlock(block, input, { recompute }, () => block.forward(input));
    }
    return x;
  }

  /** Images [B, C, H, W] to the map of a quarter of their sides [B, H / 4, W / 4, stem], the mask token where it is masked. */
  private stem(images: Tensor, masks: Tensor | null): Tensor {
    if (images.shape.length !== 4) {
      throw new ShapeError(`resnet: images are ${formatShape(images.shape)}, expected [B, C, H, W].`);
    }
    return scopeUnlessRecording(() => {
      const x = contiguous(images.permute([0, 2, 3, 1])); //                      [B, H, W, C]
      const y = this.norm1.forward(this.conv1.forward(x), { relu: true }); //     [B, H / 2, W / 2, stem]
      const map = maxPool2d(y, 3, { stride: 2, padding: 1 }); //                  [B, H / 4, W / 4, stem]
      return masks ? maskRows(map, this.mask_token.reshape([-1]), this.masksOn(map, masks)) : map;
    });
  }

  /** Masks of patches on the pixels of the stem's map, i32 [B, h, w]. */
  private masksOn({ shape: [batch, height, width] }: Tensor, masks: Tensor): Tensor {
    const grid = this.gridOf([batch, this.lastSide(height), this.lastSide(width)]);
    return masksOnMap(masks, grid, { factor: this.reduction / this.patchScale, height, width });
  }

  private gridOf([batch, height, width]: readonly number[]): TokenGrid {
    return { batch, height, width, scale: this.patchScale };
  }

  /** Pixels along a side of the last map for `side` of them after the stem. */
  private lastSide(side: number): number {
    return this.stages.reduce((n, { layers }) => layers[0].outputSide(n), side);
  }
}

/** Pixels of a map [B, h, w, F] as tokens [B, h·w, F]. */
function tokensOf(map: Tensor): Tensor {
  const [batch, height, width, features] = map.shape;
  return map.reshape([batch, height * width, features]);
}

/** Pixels along a side after a window of 3 with stride 2 and padding 1. */
function halved(side: number): number {
  return Math.ceil(side / 2);
}
