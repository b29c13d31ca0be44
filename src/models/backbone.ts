import type { Depth } from "../elastic/space.js";
import type { Module } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Features, ForwardOptions } from "./features.js";

/** What every backbone family offers: a forward pass, and parts of itself as values. */
export interface Backbone extends Module {
  /** Length of the class feature. */
  readonly featureDim: number;
  /** Multiply-adds of one forward pass over one square image of `side` pixels. */
  multiplyAdds(side: number): number;
  forward(images: Tensor, options?: ForwardOptions): Features;
  /** The class feature of `forward` alone [B, F], without what only patch tokens need. */
  classToken(images: Tensor, options?: ForwardOptions): Tensor;
  /** The part of that width and depth: the same class over views of the same tensors. */
  slice(network: { width: number; depth: Depth }): Backbone;
}
