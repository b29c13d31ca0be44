import type { VisionTransformer } from "../../models/vit.js";
import type { Block } from "../../nn/block.js";
import type { LayerScale } from "../../nn/layer-scale.js";
import { positionFor } from "../../nn/pos-embed.js";
import { attention } from "./attention.js";
import type { GraphFeatures, GraphOptions } from "./features.js";
import type { Graph, Value } from "./graph.js";
import { layerNorm, mlp, parameter, patchTokens as patches, slice, values } from "./operators.js";

/** A ViT for images of one size [B, C, S, S]: the position embedding is that of their grid. */
export function vitFeatures(
  g: Graph,
  images: Value,
  vit: VisionTransformer,
  { side, patchTokens }: GraphOptions,
): GraphFeatures {
  const { patch_embed, blocks, depth, width } = vit;
  const grid = side / patch_embed.patchSize;
  const tokens = 1 + grid * grid;
  const embedded = g.within("patch_embed", () => patches(g, images, patch_embed.patchSize, patch_embed.proj));
  const behindClass = g.node("Pad", [embedded, g.ints([0, 1, 0, 0, 0, 0])]); //      [B, 1 + N, w]
  let x = g.node("Add", [behindClass, g.weight("positions", [1, tokens, width], classAndPositions(vit, grid))]);
  blocks.forEach((block, i) => {
    const queries = i === depth - 1 && !patchTokens ? 1 : tokens;
    x = g.within(`blocks.${i}`, () => vitBlock(g, x, block, { tokens, queries }));
  });
  const y = layerNorm(g, x, "norm", vit.norm);
  return {
    embedding: g.node("Gather", [y, g.int(0)], { axis: 1 }),
    patchTokens: patchTokens ? slice(g, y, { axis: 1, from: 1, to: tokens }) : null,
    patches: grid * grid,
  };
}

/** The position embedding with the class token in its first row, which is added to zeros. */
function classAndPositions({ pos_embed, cls_token }: VisionTransformer, grid: number): Float32Array {
  const positions = values(positionFor(pos_embed.select(0, 0), grid, grid)).slice();
  values(cls_token).forEach((value, i) => {
    positions[i] += value;
  });
  return positions;
}

function vitBlock(
  g: Graph,
  x: Value,
  { norm1, attn, ls1, norm2, mlp: layers, ls2 }: Block,
  { tokens, queries }: { tokens: number; queries: number },
): Value {
  const normed = layerNorm(g, x, "norm1", norm1);
  const attended = g.within("attn", () => attention(g, normed, attn, { tokens, queries, headDim: attn.headDim }));
  const asking = queries < tokens ? slice(g, x, { axis: 1, from: 0, to: queries }) : x;
  const y = g.node("Add", [asking, scaled(g, attended, "ls1", ls1)]);
  return g.node("Add", [y, scaled(g, mlp(g, layerNorm(g, y, "norm2", norm2), "mlp", layers), "ls2", ls2)]);
}

function scaled(g: Graph, x: Value, name: string, scale: LayerScale | null): Value {
  return scale ? g.within(name, () => g.node("Mul", [x, parameter(g, "gamma", scale.gamma)])) : x;
}
