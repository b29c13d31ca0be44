import type { Linear } from "../../nn/linear.js";
import type { Graph, Value } from "./graph.js";
import { linear, reshape, slice, transpose } from "./operators.js";

export interface AttentionShape {
  /** Tokens that see one another. */
  readonly tokens: number;
  /** How many of the first ask; default all. */
  readonly queries?: number;
  readonly headDim: number;
  /** Groups of tokens in each item, one after the other, that do not see one another; default none. */
  readonly windows?: number;
  /** Added to the scores [H, T, T]. */
  readonly bias?: Value;
  /** Added to the scores [windows, 1, T, T]. */
  readonly mask?: Value | null;
}

/** Multi-head self-attention of tokens [B, T, w], or within the windows of [B, windows·T, w]. */
export function attention(
  g: Graph,
  x: Value,
  { qkv, proj }: { readonly qkv: Linear; readonly proj: Linear },
  { tokens, queries = tokens, headDim, windows, bias, mask }: AttentionShape,
): Value {
  const width = proj.weight.shape[0];
  const lead = windows === undefined ? [0] : [0, windows];
  const axes = [...lead.keys()];
  const n = lead.length;
  const [q, k, v] = g.split(linear(g, x, "qkv", qkv), [width, width, width]);
  const heads = (part: Value, count: number, order: readonly number[]) =>
    transpose(g, reshape(g, part, [...lead, count, width / headDim, headDim]), [...axes, ...order]);
  const asking = queries < tokens ? slice(g, q, { axis: 1, from: 0, to: queries }) : q;
  const scaled = g.node("Mul", [heads(asking, queries, [n + 1, n, n + 2]), g.scalar(1 / Math.sqrt(headDim))]);
  let scores = g.node("MatMul", [scaled, heads(k, tokens, [n + 1, n + 2, n])]); //   [B, (windows,) H, queries, T]
  for (const added of [bias, mask]) if (added) scores = g.node("Add", [scores, added]);
  const weights = g.node("Softmax", [scores], { axis: -1 });
  const mixed = g.node("MatMul", [weights, heads(v, tokens, [n + 1, n, n + 2])]);
  const joined = reshape(g, transpose(g, mixed, [...axes, n + 1, n, n + 2]), [0, (windows ?? 1) * queries, width]);
  return linear(g, joined, "proj", proj);
}
