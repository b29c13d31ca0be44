import { linear } from "../ops/linear.js";
import { patchify } from "../ops/patchify.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { uniform } from "./init.js";
import { derive, Module } from "./module.js";
import { LayerNorm } from "./norm.js";

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

  /** Images [B, C, H, W] to tokens [B, N, width], patches row by row. */
  forward(images: Tensor, patch: number): Tensor {
    const patches = patchify(images, patch); //                                  [B, N, C·p·p]
    return linear(patches, this.weight.reshape([this.weight.shape[0], -1]), this.bias); // [B, N, w]
  }

  /** The first `width` outputs, as views. */
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
    return this.proj.forward(images, this.patchSize);
  }

  /** Evaluating at full width and keeping the first channels is the same as slicing rows; the input is complete, so no rescaling. */
  slice(width: number): PatchEmbed {
    return derive<PatchEmbed>(this, { proj: this.proj.slice(width) });
  }
}

/**
 * Patches with a norm over all their channels, of which a narrower network takes the first (spec §2.6). It is not sliced,
 * since the statistics are those of the full width.
 */
export class NormedPatchEmbed extends Module {
  readonly proj: PatchProjection;
  readonly norm: LayerNorm;
  readonly patchSize: number;

  constructor(channels: number, width: number, { patchSize, eps, rng }: { patchSize: number; eps: number; rng: Rng }) {
    super();
    this.proj = new PatchProjection(channels, width, patchSize, rng);
    this.norm = new LayerNorm(width, { eps });
    this.patchSize = patchSize;
  }

  /** Images [B, C, H, W] to maps [B, H/p, W/p, width]. */
  forward(images: Tensor): Tensor {
    const [batch, , height, width] = images.shape;
    const tokens = this.norm.forward(this.proj.forward(images, this.patchSize)); // [B, N, w]
    return tokens.reshape([batch, height / this.patchSize, width / this.patchSize, -1]);
  }
}
