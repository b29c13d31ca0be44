import { linear } from "../ops/linear.js";
import { patchify } from "../ops/patchify.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { uniform } from "./init.js";
import { derive, Module } from "./module.js";

/** A convolution whose stride equals its kernel, held in a convolution's layout: weight [out, C, p, p], bias [out]. */
export class PatchProjection extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(channels: number, width: number, patch: number, rng: Rng) {
    super();
    const bound = 1 / Math.sqrt(channels * patch * patch);
    this.weight = uniform([width, channels, patch, patch], bound, rng.fork(1));
    this.bias = uniform([width], bound, rng.fork(2));
  }

  slice(width: number): PatchProjection {
    return derive<PatchProjection>(this, {
      weight: this.weight.narrow(0, 0, width),
      bias: this.bias.narrow(0, 0, width),
    });
  }
}

/** Cuts images into square patches and projects each to a token. */
export class PatchEmbed extends Module {
  readonly proj: PatchProjection;
  readonly patchSize: number;

  constructor(channels: number, width: number, patchSize: number, rng: Rng) {
    super();
    this.proj = new PatchProjection(channels, width, patchSize, rng);
    this.patchSize = patchSize;
  }

  /** Images [B, C, H, W] to tokens [B, N, width], patches row by row. */
  forward(images: Tensor): Tensor {
    const patches = patchify(images, this.patchSize); //                         [B, N, C·p·p]
    const { weight, bias } = this.proj;
    return linear(patches, weight.reshape([weight.shape[0], -1]), bias); //      [B, N, w]
  }

  /** Evaluating at full width and keeping the first channels is the same as slicing rows; the input is complete, so no rescaling. */
  slice(width: number): PatchEmbed {
    return derive<PatchEmbed>(this, { proj: this.proj.slice(width) });
  }
}
