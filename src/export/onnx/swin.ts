import type { SwinTransformer } from "../../models/swin.js";
import { cellsOf, patchesOf } from "../../models/token-grid.js";
import type { PatchMerging } from "../../nn/patch-merging.js";
import { relativePositionBias } from "../../nn/relative-position.js";
import type { SwinBlock } from "../../nn/swin-block.js";
import type { WindowMsa } from "../../nn/window-attention.js";
import type { WindowLayout } from "../../ops/window-layout.js";
import { mergingOrder } from "../../ops/windows.js";
import { attention } from "./attention.js";
import type { GraphFeatures, GraphOptions } from "./features.js";
import type { Graph, Value } from "./graph.js";
import {
  gatherRows,
  layerNorm,
  linear,
  mlp,
  patchTokens as patches,
  reduce,
  reshape,
  slice,
  values,
} from "./operators.js";

/** A Swin for images of one size [B, C, S, S]; its maps are rows of cells [B, h·w, c], so that windows are rows by index. */
export function swinFeatures(
  g: Graph,
  images: Value,
  swin: SwinTransformer,
  { side, patchTokens }: GraphOptions,
): GraphFeatures {
  let cells = side / swin.patch_embed.patchSize;
  let x = embed(g, images, swin);
  swin.stages.forEach(({ blocks, downsample }, s) => {
    x = g.within(`stages.${s}`, () => {
      const layoutOf = windowsOf(g, swin, cells);
      const y = blocks.reduce(
        (map, block, i) => g.within(`blocks.${i}`, () => swinBlock(g, map, block, layoutOf(block.shifted))),
        x,
      );
      return downsample ? merge(g, y, downsample, cells) : y;
    });
    if (downsample) cells = Math.ceil(cells / 2);
  });
  const y = layerNorm(g, x, "norm3", swin.norm3); //                                 [B, h·w, 8w]
  const grid = { batch: 1, height: cells, width: cells, scale: swin.patchScale };
  const all = Int32Array.from({ length: patchesOf(grid) }, (_, patch) => patch);
  return {
    embedding: reduce(g, "ReduceMean", y, { axis: 1, keep: false }),
    patchTokens: patchTokens ? gatherRows(g, y, cellsOf(all, grid)) : null,
    patches: all.length,
  };
}

/** Patches with a norm over all their channels, of which a narrower network takes the first. */
function embed(g: Graph, images: Value, { patch_embed, width, embedWidth }: SwinTransformer): Value {
  const x = g.within("patch_embed", () =>
    layerNorm(g, patches(g, images, patch_embed.patchSize, patch_embed.proj), "norm", patch_embed.norm),
  );
  return width < embedWidth ? slice(g, x, { axis: 2, from: 0, to: width }) : x;
}

/** Windows over a map, with their mask as a value of the graph [windows, 1, T, T]. */
interface Windows {
  readonly layout: WindowLayout;
  readonly mask: Value | null;
}

/** Still and moved windows over the maps of a stage, whose masks are in the graph once. */
function windowsOf(g: Graph, swin: SwinTransformer, cells: number): (shifted: boolean) => Windows {
  const layoutOf = swin.layouts(cells, cells);
  const masks = new Map<WindowLayout, Value>();
  return (shifted) => {
    const layout = layoutOf(shifted);
    const { mask, windows, window } = layout;
    if (!mask) return { layout, mask: null };
    const known = masks.get(layout) ?? g.weight("mask", [windows, 1, window ** 2, window ** 2], values(mask));
    masks.set(layout, known);
    return { layout, mask: known };
  };
}

function swinBlock(g: Graph, x: Value, { norm1, attn, norm2, ffn }: SwinBlock, windows: Windows): Value {
  const normed = layerNorm(g, x, "norm1", norm1);
  const attended = g.within("attn.w_msa", () => windowAttention(g, normed, attn.w_msa, windows));
  const y = g.node("Add", [x, attended]);
  return g.node("Add", [y, mlp(g, layerNorm(g, y, "norm2", norm2), "ffn", ffn)]);
}

/** Attention within windows; cells beyond the map are zeros here, and answer with the biases. */
function windowAttention(g: Graph, x: Value, msa: WindowMsa, { layout, mask }: Windows): Value {
  const { headDim, windowSize, relative_position_bias_table: table } = msa;
  const tokens = windowSize ** 2;
  const bias = relativePositionBias(table, windowSize); //                           [H, T, T]
  const inWindows = gatherRows(g, x, layout.toWindows.toArray() as Int32Array);
  const y = attention(g, inWindows, msa, {
    ...{ tokens, headDim, windows: layout.windows, mask },
    bias: g.weight("relative_position_bias", bias.shape, values(bias)),
  });
  return gatherRows(g, y, layout.toMap.toArray() as Int32Array);
}

/** The 2×2 neighbours side by side, a norm over them, a linear layer. */
function merge(g: Graph, x: Value, { norm, reduction }: PatchMerging, cells: number): Value {
  return g.within("downsample", () => {
    const { rows, columns, index } = mergingOrder(cells, cells);
    const joined = reshape(g, gatherRows(g, x, index), [0, rows * columns, norm.weight.numel]);
    return linear(g, layerNorm(g, joined, "norm", norm), "reduction", reduction);
  });
}
