import type { Depth } from "../elastic/space.js";
import type { Module } from "../nn/module.js";
import type { BlockRun } from "../nn/run-block.js";
import type { Tensor } from "../tensor/tensor.js";
import type { ChosenTokens, Features, ForwardOptions } from "./features.js";

/** What every backbone family offers: a forward pass, and parts of itself as values. */
export interface Backbone extends Module {
  /** Length of the class feature. */
  readonly featureDim: number;
  /** Multiply-adds of one forward pass over one square image of `side` pixels. */
  multiplyAdds(side: number): number;
  /** Features of normalised images [B, C, H, W]. */
  forward(images: Tensor, options?: ForwardOptions): Features;
  /** The class feature of `forward` alone [B, F], without what only patch tokens need. */
  classToken(images: Tensor, options?: ForwardOptions): Tensor;
  /** The class feature, and the features of the patches with the given numbers over [B·N], without what only others need. */
  tokensAt(images: Tensor, patches: Int32Array, options?: ForwardOptions): ChosenTokens;
  /** Class and patch features after the given positions, counted from 0: blocks of a ViT, stages of the others (spec §7.2). */
  intermediate(images: Tensor, positions: readonly number[], run?: BlockRun): Omit<Features, "prenorm">[];
  /** The part of that width and depth: the same class over views of the same tensors. */
  slice(network: { width: number; depth: Depth }): Backbone;
}
