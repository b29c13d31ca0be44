import type { Tensor } from "../tensor/tensor.js";

/** Which patches of the global crops the students do not see (spec §1.3). */
export interface PatchMasks {
  /** i32 [2B, N], 1 = masked. */
  readonly masks: Tensor;
  /** Flat indices of masked patches over [2B, N], ascending. */
  readonly indices: Int32Array;
  /** For each masked patch 1 / (masked patches of its image). */
  readonly weights: Float32Array;
}

/** The crops of B images, crop-major: rows [crop 0 of all images, crop 1 of all images, …]. */
export interface PoaBatch {
  /** Number of images B. */
  readonly images: number;
  /** Two global crops per image [2B, C, S, S]. */
  readonly globals: Tensor;
  /** Local crops [n·B, C, s, s]; null if there are none. */
  readonly locals: Tensor | null;
  /** null while the masked patch loss is off. */
  readonly masked: PatchMasks | null;
}
