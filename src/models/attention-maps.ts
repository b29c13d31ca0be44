import { matmul } from "../ops/matmul.js";
import { l2Normalize } from "../ops/normalize.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Encoder } from "./encoder.js";
import { lastFeatures } from "./last-features.js";
import { VisionTransformer } from "./vit.js";

/** What an encoder looks at in one image. */
export interface AttentionMaps {
  /** Patches per side. */
  readonly grid: number;
  /** One map [grid · grid] per head of a ViT; one alone for other backbones. */
  readonly maps: readonly Float32Array[];
}

/**
 * Of a ViT, how much the class token attends to each patch in the last block, by head (Caron et al., 2021). Swin and ResNet
 * have no class token: for them one map, the cosine similarity of each cell of the last map with the image's feature.
 *
 * @param batch  normalised square images [B, C, S, S]
 * @returns per image, in ordinary memory; what it takes on the way belongs to the running step
 */
export function attentionOf(encoder: Encoder, batch: Tensor): AttentionMaps[] {
  const { backbone } = encoder;
  const all = backbone instanceof VisionTransformer ? backbone.classAttention(batch) : similarity(encoder, batch);
  const [count, heads, n] = all.shape;
  const values = all.toArray() as Float32Array;
  const grid = Math.round(Math.sqrt(n));
  return Array.from({ length: count }, (_, image) => ({
    grid,
    maps: Array.from({ length: heads }, (_, head) => {
      const first = (image * heads + head) * n;
      return values.slice(first, first + n);
    }),
  }));
}

/** Cosine of each cell with the image's feature  [B, 1, N]. */
function similarity(encoder: Encoder, batch: Tensor): Tensor {
  const { pooled, cells } = lastFeatures(encoder, batch);
  const [count, n, features] = cells.shape;
  const direction = l2Normalize(pooled).reshape([count, features, 1]); //        [B, F, 1]
  return matmul(l2Normalize(cells), direction).reshape([count, 1, n]);
}
