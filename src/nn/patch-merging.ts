import { mergePatches } from "../ops/windows.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { WeightInit } from "./init.js";
import { Linear } from "./linear.js";
import { derive, Module } from "./module.js";
import { LayerNorm } from "./norm.js";

/** Neighbours that become one cell. */
const GROUPS = 4;

/** Halves a map and doubles its channels: the 2×2 neighbours side by side, a norm over them, a linear layer. */
export class PatchMerging extends Module {
  readonly norm: LayerNorm;
  readonly reduction: Linear;

  constructor(width: number, { eps, rng, init = "official" }: { eps: number; rng: Rng; init?: WeightInit }) {
    super();
    this.norm = new LayerNorm(GROUPS * width, { eps });
    this.reduction = new Linear(GROUPS * width, 2 * width, { rng, bias: false, init });
  }

  /** Maps [B, H, W, w] to [B, ⌈H/2⌉, ⌈W/2⌉, 2·w]. */
  forward(x: Tensor): Tensor {
    return this.reduction.forward(this.norm.forward(mergePatches(x)));
  }

  /** The first `width` channels of each of the four neighbours. */
  slice(width: number): PatchMerging {
    return derive<PatchMerging>(this, {
      norm: this.norm.sliceGroups(GROUPS, width),
      reduction: this.reduction.sliceInputGroups(GROUPS, 2 * width, width),
    });
  }
}
