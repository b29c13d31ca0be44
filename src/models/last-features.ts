import type { Tensor } from "../tensor/tensor.js";
import type { Encoder } from "./encoder.js";

/** The feature of each image [b, F] and of each cell of its last map [b, N, F], both through the last norm. */
export function lastFeatures({ backbone, spec }: Encoder, batch: Tensor): { pooled: Tensor; cells: Tensor } {
  const last = (spec.family === "vit" ? spec.depth : spec.depths.length) - 1;
  const [{ classToken, patchTokens }] = backbone.intermediate(batch, [last]);
  return { pooled: classToken, cells: patchTokens };
}
