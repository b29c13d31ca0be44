import { type Naming, namingOf } from "./naming.js";
import { swapMiddleGroups } from "./patch-merging.js";

const STAGES = [0, 1, 2, 3];

/**
 * Swin of timm and of its authors. Patch merging between the stages s and s + 1 belongs to `layers.s` (timm up to 0.6, the
 * authors' files) or to `layers.{s+1}` (later timm).
 *
 * @param merging  which of the two
 */
export function timmSwin(merging: "before" | "after"): Naming {
  return {
    ...namingOf([
      ["patch_embed.proj.*", "patch_embed.proj.*"],
      ["patch_embed.norm.*", "patch_embed.norm.*"],
      ["layers.#.blocks.#.norm1.*", "stages.#.blocks.#.norm1.*"],
      ["layers.#.blocks.#.attn.qkv.*", "stages.#.blocks.#.attn.w_msa.qkv.*"],
      ["layers.#.blocks.#.attn.proj.*", "stages.#.blocks.#.attn.w_msa.proj.*"],
      [
        "layers.#.blocks.#.attn.relative_position_bias_table",
        "stages.#.blocks.#.attn.w_msa.relative_position_bias_table",
      ],
      ["layers.#.blocks.#.norm2.*", "stages.#.blocks.#.norm2.*"],
      ["layers.#.blocks.#.mlp.fc1.*", "stages.#.blocks.#.ffn.fc1.*"],
      ["layers.#.blocks.#.mlp.fc2.*", "stages.#.blocks.#.ffn.fc2.*"],
      ...STAGES.flatMap((s): [string, string][] =>
        ["norm", "reduction"].map((part) => [
          `layers.${merging === "after" ? s : s + 1}.downsample.${part}.*`,
          `stages.${s}.downsample.${part}.*`,
        ]),
      ),
      ["norm.*", "norm3.*"],
    ]),
    computed: /\.relative_position_index$|\.attn_mask$/,
    convert: swapMiddleGroups,
  };
}

/** Which of the two a file follows: only the earlier one merges behind stage 0. */
export function timmMerging(names: Iterable<string>): "before" | "after" {
  return [...names].some((name) => name.startsWith("layers.0.downsample.")) ? "after" : "before";
}
