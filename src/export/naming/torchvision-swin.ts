import type { StoredTensor } from "../../formats/safetensors.js";
import { type Naming, namingOf } from "./naming.js";
import { swapMiddleGroups } from "./patch-merging.js";

/** torchvision's SwinTransformer: stage s stands at `features.{2s+1}`, what merges its patches behind it. */
export const torchvisionSwin: Naming = {
  ...namingOf([
    ["features.0.0.*", "patch_embed.proj.*"],
    ["features.0.2.*", "patch_embed.norm.*"],
    ...[0, 1, 2, 3].flatMap((s): [string, string][] => [
      [`features.${2 * s + 1}.#.norm1.*`, `stages.${s}.blocks.#.norm1.*`],
      [`features.${2 * s + 1}.#.attn.qkv.*`, `stages.${s}.blocks.#.attn.w_msa.qkv.*`],
      [`features.${2 * s + 1}.#.attn.proj.*`, `stages.${s}.blocks.#.attn.w_msa.proj.*`],
      [`features.${2 * s + 1}.#.attn.relative_position_bias_table`, tableOf(s, "#")],
      [`features.${2 * s + 1}.#.norm2.*`, `stages.${s}.blocks.#.norm2.*`],
      [`features.${2 * s + 1}.#.mlp.0.*`, `stages.${s}.blocks.#.ffn.fc1.*`],
      [`features.${2 * s + 1}.#.mlp.3.*`, `stages.${s}.blocks.#.ffn.fc2.*`],
      [`features.${2 * s + 2}.norm.*`, `stages.${s}.downsample.norm.*`],
      [`features.${2 * s + 2}.reduction.*`, `stages.${s}.downsample.reduction.*`],
    ]),
    ["norm.*", "norm3.*"],
  ]),
  computed: /\.relative_position_index$/,
  reorder: swapMiddleGroups,
};

function tableOf(stage: number, block: string): string {
  return `stages.${stage}.blocks.${block}.attn.w_msa.relative_position_bias_table`;
}

/**
 * torchvision's buffers `relative_position_index` for the blocks of a state, which it wants in a file: for query a and key b
 * of a window, the row (y_a − y_b + w − 1)·(2w − 1) + (x_a − x_b + w − 1) of the bias table, flattened.
 *
 * @param state  tensors under our names
 */
export function positionIndices(state: ReadonlyMap<string, unknown>, window: number): Map<string, StoredTensor> {
  const cells = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window]);
  const rows = cells.flatMap(([ya, xa]) =>
    cells.map(([yb, xb]) => BigInt((ya - yb + window - 1) * (2 * window - 1) + xa - xb + window - 1)),
  );
  const index: StoredTensor = { dtype: "I64", shape: [rows.length], data: BigInt64Array.from(rows) };
  const tables = [...state.keys()].filter((name) => name.endsWith(".relative_position_bias_table"));
  return new Map(
    tables.map((name) => [torchvisionSwin.theirs(name)!.replace("relative_position_bias_table", "relative_position_index"), index]),
  );
}
