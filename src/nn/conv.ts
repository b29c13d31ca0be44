import { ConfigError } from "../errors.js";
import { conv2d } from "../ops/conv2d.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { convWeight, uniform, type WeightInit } from "./init.js";
import { derive, Module } from "./module.js";
import { type ScaledLayer, scaleOfSlice } from "./slice-scale.js";

/** Side, stride, padding, dilation and groups of a convolution. */
export interface ConvOptions {
  /** Side of the square window in pixels. */
  kernel: number;
  /** Pixels from one window to the next. Default 1. */
  stride?: number;
  /** Zeros around the image, in pixels on each side. Default 0. */
  padding?: number;
  /** Pixels from one tap to the next. Default 1. */
  dilation?: number;
  /** Equal parts of the channels that do not see one another. Default 1. */
  groups?: number;
  /** Default false. */
  bias?: boolean;
  init?: WeightInit;
  rng: Rng;
}

/** Convolution of images [B, H, W, C], channels last: y = inputScale · (x ⋆ W) + b. W [out, in / groups, k, k], b [out]. */
export class Conv2d extends Module implements ScaledLayer {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
  /** Keeps activations of a slice at the scale of the full layer: full inputs / active inputs. */
  readonly inputScale: number;
  /** Whether slices do so. */
  readonly sliceScale: boolean;

  constructor(inChannels: number, outChannels: number, options: ConvOptions) {
    super();
    const { kernel, stride = 1, padding = 0, dilation = 1, groups = 1, bias = false, init = "official", rng } = options;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ConfigError(`conv: ${groups} groups do not divide ${inChannels} inputs and ${outChannels} outputs.`);
    }
    const shape = [outChannels, inChannels / groups, kernel, kernel];
    this.weight = convWeight(shape, init, rng.fork(1));
    this.bias = bias ? uniform([outChannels], 1 / Math.sqrt(shape[1] * kernel * kernel), rng.fork(2)) : null;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.groups = groups;
    this.inputScale = 1;
    this.sliceScale = true;
  }

  /** x [B, H, W, in] to [B, H′, W′, out] */
  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, inputScale } = this;
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups, inputScale });
  }

  /** Folds the rescaling into the weight, so that an ordinary layer remains. */
  override materialize(): this {
    const dense = super.materialize();
    const scale = Math.fround(this.inputScale); // as the kernels take it
    if (scale !== 1) dense.weight.write(dense.weight.toArray().map((w) => w * scale));
    return derive<this>(dense, { inputScale: 1 } as Partial<this>);
  }

  /** The first `out` outputs over the first `input` inputs, as views. @throws ConfigError for a grouped layer */
  slice(out: number, input: number): Conv2d {
    if (this.groups !== 1) throw new ConfigError(`conv.slice: a layer of ${this.groups} groups has no leading part.`);
    return derive<Conv2d>(this, {
      weight: this.weight.narrow(0, 0, out).narrow(1, 0, input),
      bias: this.bias?.narrow(0, 0, out) ?? null,
      inputScale: scaleOfSlice(this, this.weight.shape[1] / input),
    });
  }

  /** Pixels along one side of the result for `side` of them. */
  outputSide(side: number): number {
    const reach = this.dilation * (this.weight.shape[2] - 1) + 1;
    return Math.floor((side + 2 * this.padding - reach) / this.stride) + 1;
  }

  /** Multiply-adds for one square image of `side` pixels. */
  multiplyAdds(side: number): number {
    return this.weight.numel * this.outputSide(side) ** 2;
  }
}
