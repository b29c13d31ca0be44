import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { BatchNorm } from "./batch-norm.js";
import { Conv2d } from "./conv.js";
import { GroupNorm } from "./group-norm.js";
import type { WeightInit } from "./init.js";
import { derive, Module } from "./module.js";

/** A normalisation of images [B, H, W, C]. */
export type MapNorm = GroupNorm | BatchNorm;

/** Which normalisation stands between convolutions. */
export interface NormChoice {
  norm: "group" | "batch";
  /** Groups of the group normalisation. */
  groups: number;
}

/** The normalisation that a network uses throughout, for a number of channels. */
export function mapNorm({ norm, groups }: NormChoice, channels: number): MapNorm {
  return norm === "group" ? new GroupNorm(groups, channels) : new BatchNorm(channels);
}

/** Channels, stride and normalisation of a residual block. */
export interface ResidualBlockOptions extends NormChoice {
  inChannels: number;
  /** Channels between the convolutions: what narrower networks have fewer of. */
  middle: number;
  outChannels: number;
  /** Pixels of the input per pixel of the output, along one side. */
  stride: number;
  init?: WeightInit;
  rng: Rng;
}

/** A residual block of a ResNet (He et al. 2016): y = relu(branch(x) + shortcut(x)). */
export abstract class ResidualBlock extends Module {
  /** x [B, H, W, in] to [B, H / stride, W / stride, out] */
  abstract forward(x: Tensor): Tensor;
  /** The block with the first `middle` channels between its convolutions; what goes in and out stays. */
  abstract slice(middle: number): ResidualBlock;
  /** Channels between the convolutions. */
  abstract get middle(): number;
  /** Channels that go out. */
  abstract get outChannels(): number;
  /** Pixels along one side of the result for `side` of them. */
  abstract outputSide(side: number): number;
  /** Multiply-adds for one square map of `side` pixels. */
  abstract multiplyAdds(side: number): number;
}

/** A 1×1 convolution and its normalisation, where block and shortcut would differ in shape; else nothing. */
type Shortcut = readonly [Conv2d, MapNorm] | null;

function shortcutOf(options: ResidualBlockOptions): Shortcut {
  const { inChannels, outChannels, stride, init, rng } = options;
  if (stride === 1 && inChannels === outChannels) return null;
  const conv = new Conv2d(inChannels, outChannels, { kernel: 1, stride, init, rng: rng.fork(4) });
  return [conv, mapNorm(options, outChannels)];
}

function through(shortcut: Shortcut, x: Tensor): Tensor {
  if (!shortcut) return x;
  const [conv, norm] = shortcut;
  return norm.forward(conv.forward(x));
}

/** Multiply-adds of convolutions one after the other, and of a shortcut beside them. */
function multiplyAdds(convolutions: readonly Conv2d[], shortcut: Shortcut, side: number): number {
  let sum = shortcut?.[0].multiplyAdds(side) ?? 0;
  for (const conv of convolutions) {
    sum += conv.multiplyAdds(side);
    side = conv.outputSide(side);
  }
  return sum;
}

/** 1×1 to the middle width, 3×3 with the stride, 1×1 to the full width. */
export class Bottleneck extends ResidualBlock {
  readonly conv1: Conv2d;
  readonly norm1: MapNorm;
  readonly conv2: Conv2d;
  readonly norm2: MapNorm;
  readonly conv3: Conv2d;
  readonly norm3: MapNorm;
  readonly downsample: Shortcut;

  constructor(options: ResidualBlockOptions) {
    super();
    const { inChannels, middle, outChannels, stride, init, rng } = options;
    this.conv1 = new Conv2d(inChannels, middle, { kernel: 1, init, rng: rng.fork(1) });
    this.norm1 = mapNorm(options, middle);
    this.conv2 = new Conv2d(middle, middle, { kernel: 3, stride, padding: 1, init, rng: rng.fork(2) });
    this.norm2 = mapNorm(options, middle);
    this.conv3 = new Conv2d(middle, outChannels, { kernel: 1, init, rng: rng.fork(3) });
    this.norm3 = mapNorm(options, outChannels);
    this.downsample = shortcutOf(options);
  }

  get middle(): number {
    return this.conv1.weight.shape[0];
  }

  get outChannels(): number {
    return this.conv3.weight.shape[0];
  }

  override forward(x: Tensor): Tensor {
    let y = this.norm1.forward(this.conv1.forward(x), { relu: true }); //         [B, H, W, m]
    y = this.norm2.forward(this.conv2.forward(y), { relu: true }); //             [B, H′, W′, m]
    const residual = through(this.downsample, x); //                              [B, H′, W′, out]
    return this.norm3.forward(this.conv3.forward(y), { residual, relu: true });
  }

  override slice(middle: number): Bottleneck {
    const [, inChannels] = this.conv1.weight.shape;
    return derive<Bottleneck>(this, {
      conv1: this.conv1.slice(middle, inChannels),
      norm1: this.norm1.slice(middle),
      conv2: this.conv2.slice(middle, middle),
      norm2: this.norm2.slice(middle),
      conv3: this.conv3.slice(this.outChannels, middle),
    });
  }

  override outputSide(side: number): number {
    return this.conv2.outputSide(side);
  }

  override multiplyAdds(side: number): number {
    return multiplyAdds([this.conv1, this.conv2, this.conv3], this.downsample, side);
  }
}

/** 3×3 with the stride to the middle width, 3×3 to the full width: the block of ResNet-18 and 34. */
export class BasicBlock extends ResidualBlock {
  readonly conv1: Conv2d;
  readonly norm1: MapNorm;
  readonly conv2: Conv2d;
  readonly norm2: MapNorm;
  readonly downsample: Shortcut;

  constructor(options: ResidualBlockOptions) {
    super();
    const { inChannels, middle, outChannels, stride, init, rng } = options;
    this.conv1 = new Conv2d(inChannels, middle, { kernel: 3, stride, padding: 1, init, rng: rng.fork(1) });
    this.norm1 = mapNorm(options, middle);
    this.conv2 = new Conv2d(middle, outChannels, { kernel: 3, padding: 1, init, rng: rng.fork(2) });
    this.norm2 = mapNorm(options, outChannels);
    this.downsample = shortcutOf(options);
  }

  get middle(): number {
    return this.conv1.weight.shape[0];
  }

  get outChannels(): number {
    return this.conv2.weight.shape[0];
  }

  override forward(x: Tensor): Tensor {
    const y = this.norm1.forward(this.conv1.forward(x), { relu: true }); //       [B, H′, W′, m]
    const residual = through(this.downsample, x); //                              [B, H′, W′, out]
    return this.norm2.forward(this.conv2.forward(y), { residual, relu: true });
  }

  override slice(middle: number): BasicBlock {
    const [, inChannels] = this.conv1.weight.shape;
    return derive<BasicBlock>(this, {
      conv1: this.conv1.slice(middle, inChannels),
      norm1: this.norm1.slice(middle),
      conv2: this.conv2.slice(this.outChannels, middle),
    });
  }

  override outputSide(side: number): number {
    return this.conv1.outputSide(side);
  }

  override multiplyAdds(side: number): number {
    return multiplyAdds([this.conv1, this.conv2], this.downsample, side);
  }
}
