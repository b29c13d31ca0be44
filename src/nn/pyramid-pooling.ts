import { resizeBilinear } from "../ops/bilinear.js";
import { concatColumns } from "../ops/concat.js";
import { matmul } from "../ops/matmul.js";
import { fromArray } from "../tensor/create.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { ConvNorm } from "./conv-norm.js";
import { Module } from "./module.js";
import type { NormChoice } from "./residual-block.js";

export interface PyramidPoolingOptions {
  /** Bins along each side of the pooled maps. Default 1, 2, 3, 6. */
  bins?: readonly number[];
  norm: NormChoice | null;
  rng: Rng;
}

/**
 * Pyramid pooling (Zhao et al., 2017): a map beside its means over few bins, so that each cell knows of the whole image, and
 * a convolution over all of them.
 */
export class PyramidPooling extends Module {
  readonly branches: readonly ConvNorm[];
  readonly fuse: ConvNorm;
  readonly bins: readonly number[];

  constructor(inChannels: number, channels: number, { bins = [1, 2, 3, 6], norm, rng }: PyramidPoolingOptions) {
    super();
    const brick = (from: number, kernel: number, stream: Rng) =>
      new ConvNorm(from, channels, { kernel, norm, init: "fan_in", rng: stream });
    this.branches = bins.map((_, i) => brick(inChannels, 1, rng.fork(1, i)));
    this.fuse = brick(inChannels + bins.length * channels, 3, rng.fork(2));
    this.bins = bins;
  }

  /** x [B, H, W, in] to [B, H, W, channels] */
  forward(x: Tensor): Tensor {
    const [, height, width] = x.shape;
    const pooled = this.branches.map((branch, i) => {
      return resizeBilinear(branch.forward(binMeans(x, this.bins[i])), height, width);
    });
    return this.fuse.forward(concatColumns([x, ...pooled]));
  }
}

/**
 * Means over bins × bins parts of a map: part i of a side of n cells runs from ⌊i·n / bins⌋ up to ⌈(i + 1)·n / bins⌉, so parts
 * may overlap (adaptive average pooling). A product with a matrix of shares.
 *
 * @param x  [B, H, W, C], dense
 * @returns [B, bins, bins, C]
 */
export function binMeans(x: Tensor, bins: number): Tensor {
  const [batch, height, width, channels] = x.shape;
  const [down, across] = [sharesOf(height, bins), sharesOf(width, bins)];
  const one = new Float64Array(bins * bins * height * width);
  for (let bin = 0; bin < bins * bins; bin++) {
    const [row, column] = [down[Math.floor(bin / bins)], across[bin % bins]];
    for (let cell = 0; cell < height * width; cell++) {
      one[bin * height * width + cell] = row[Math.floor(cell / width)] * column[cell % width];
    }
  }
  const all = new Float64Array(batch * one.length);
  for (let b = 0; b < batch; b++) all.set(one, b * one.length);
  const shares = fromArray(all, [batch, bins * bins, height * width]);
  return matmul(shares, x.reshape([batch, height * width, channels])).reshape([batch, bins, bins, channels]);
}

/** For each part of a side the weights of its `size` cells. */
function sharesOf(size: number, bins: number): Float64Array[] {
  return Array.from({ length: bins }, (_, i) => {
    const [begin, end] = [Math.floor((i * size) / bins), Math.ceil(((i + 1) * size) / bins)];
    return Float64Array.from({ length: size }, (_, cell) => (cell >= begin && cell < end ? 1 / (end - begin) : 0));
  });
}
