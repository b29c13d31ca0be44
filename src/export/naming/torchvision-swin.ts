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
      [
        `features.${2 * s + 1}.#.attn.relative_position_bias_table`,
        `stages.${s}.blocks.#.attn.w_msa.relative_position_bias_table`,
      ],
      [`features.${2 * s + 1}.#.norm2.*`, `stages.${s}.blocks.#.norm2.*`],
      [`features.${2 * s + 1}.#.mlp.0.*`, `stages.${s}.blocks.#.ffn.fc1.*`],
      [`features.${2 * s + 1}.#.mlp.3.*`, `stages.${s}.blocks.#.ffn.fc2.*`],
      [`features.${2 * s + 2}.norm.*`, `stages.${s}.downsample.norm.*`],
      [`features.${2 * s + 2}.reduction.*`, `stages.${s}.downsample.reduction.*`],
    ]),
    ["norm.*", "norm3.*"],
  ]),
  computed: /\.relative_position_index$/,
  convert: swapMiddleGroups,
};
