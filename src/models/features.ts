import type { BlockRun } from "../nn/run-block.js";
import type { Tensor } from "../tensor/tensor.js";

/** What a backbone returns, for every family alike. */
export interface Features {
  /** One feature per image [B, F]: the class token, or the mean over the map where there is none. */
  readonly classToken: Tensor;
  /** One feature per patch [B, N, F]. */
  readonly patchTokens: Tensor;
  /** Tokens or map before the last normalisation. */
  readonly prenorm: Tensor;
}

/** The class features of a batch and the features of some of its patches. */
export interface ChosenTokens {
  /** [B, F] */
  readonly classToken: Tensor;
  /** [M, F], in the order in which they were asked for. */
  readonly patchTokens: Tensor;
}

/** What a forward pass may be given besides images. */
export interface ForwardOptions extends BlockRun {
  /** Patches replaced by the mask token: i32 [B, N], 1 = masked. */
  masks?: Tensor | null;
}
