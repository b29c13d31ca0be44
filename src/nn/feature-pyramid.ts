import { ShapeError } from "../errors.js";
import { resizeBilinear } from "../ops/bilinear.js";
import { add } from "../ops/elementwise.js";
import { maxPool2d } from "../ops/pool.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { ConvNorm } from "./conv-norm.js";
import { Module } from "./module.js";
import type { NormChoice } from "./residual-block.js";

/** Channels and layers of a feature pyramid. */
export interface FeaturePyramidOptions {
  /** Of every map that comes out. Default 256. */
  channels?: number;
  /** What follows each convolution; null for none, then they have biases. Default null. */
  norm?: NormChoice | null;
  /** Whether a rectifier follows each convolution. Default false. */
  relu?: boolean;
  /** Further, coarser maps, each of every second pixel of the one before. Default 0. */
  extraLevels?: number;
  rng: Rng;
}

/**
 * Feature pyramid network (Lin et al., 2017): every map in as many channels, each with the coarser ones added, resized
 * bilinearly, from the coarsest down.
 */
export class FeaturePyramid extends Module {
  readonly lateral: readonly ConvNorm[];
  readonly output: readonly ConvNorm[];
  readonly channels: number;
  readonly extraLevels: number;

  /** @param inChannels  of the maps, finest first */
  constructor(inChannels: readonly number[], options: FeaturePyramidOptions) {
    super();
    const { channels = 256, norm = null, relu = false, extraLevels = 0, rng } = options;
    const brick = (from: number, kernel: number, stream: Rng) =>
      new ConvNorm(from, channels, { kernel, norm, relu, init: "fan_in", rng: stream });
    this.lateral = inChannels.map((from, i) => brick(from, 1, rng.fork(1, i)));
    this.output = inChannels.map((_, i) => brick(channels, 3, rng.fork(2, i)));
    this.channels = channels;
    this.extraLevels = extraLevels;
  }

  /**
   * @param maps  [B, h, w, c], finest first
   * @returns maps [B, h, w, channels] of the same sizes, then the extra ones
   * @throws ShapeError for another number of maps
   */
  forward(maps: readonly Tensor[]): Tensor[] {
    if (maps.length !== this.lateral.length)
      throw new ShapeError(`feature pyramid: ${maps.length} maps, expected ${this.lateral.length}.`);
    const merged: Tensor[] = [];
    for (let i = maps.length - 1; i >= 0; i--) {
      const own = this.lateral[i].forward(maps[i]);
      const [, height, width] = own.shape;
      const above = merged[0];
      merged.unshift(above ? add(own, resizeBilinear(above, height, width)) : own);
    }
    const out = merged.map((map, i) => this.output[i].forward(map));
    for (let i = 0; i < this.extraLevels; i++) out.push(maxPool2d(out[out.length - 1], 1, { stride: 2 }));
    return out;
  }
}
