/**
 * Parameter names of the published checkpoints, which wrap elastic layers in an inner module: `qkv.linear.weight`,
 * `norm1.norm.weight`, `conv1.conv.weight` (spec §9). Ours leave that out, and so are those of DINOv2 and timm for a ViT.
 */

export type Family = "vit" | "swin" | "resnet";

export const families: readonly Family[] = ["vit", "swin", "resnet"];

/** The elastic layers of each family and of the heads, by our names. */
const ELASTIC: Readonly<Record<Family, readonly [RegExp, string][]>> = {
  vit: [
    [/(blocks\.\d+\.(?:attn\.(?:qkv|proj)|mlp\.fc[12]))\.(weight|bias)$/, "$1.linear.$2"],
    [/((?:^|\.)norm[12]?)\.(weight|bias)$/, "$1.norm.$2"],
  ],
  swin: [
    [/(blocks\.\d+\.(?:attn\.w_msa\.(?:qkv|proj)|ffn\.fc[12]))\.(weight|bias)$/, "$1.linear.$2"],
    [/(downsample\.reduction)\.(weight)$/, "$1.linear.$2"],
    [/((?:^|\.)norm\d?)\.(weight|bias)$/, "$1.norm.$2"],
  ],
  resnet: [[/(layers\.\d+\.conv[123])\.(weight)$/, "$1.conv.$2"]],
};
const FIRST_OF_HEAD = /(\bmlp\d+\.0)\.(weight|bias)$/;

/** A name without the chunk of `blocks.CHUNK.BLOCK.`, which DINOv2 and POA write when they shard a network. */
export function withoutChunk(name: string): string {
  return name.replace(/((?:^|\.)blocks\.)\d+\.(?=\d+\.)/, "$1");
}

/** Our name of a published one; our own pass through. */
export function fromOfficial(name: string): string {
  return withoutChunk(name)
    .replace(/\.linear\.(weight|bias)$/, ".$1")
    .replace(/(\.conv\d)\.conv\.weight$/, "$1.weight")
    .replace(/((?:^|\.)norm\d?)\.norm\.(weight|bias)$/, "$1.$2");
}

/** The published name of ours. */
export function toOfficial(name: string, family: Family = "vit"): string {
  if (FIRST_OF_HEAD.test(name)) return name.replace(FIRST_OF_HEAD, "$1.linear.$2");
  const rule = ELASTIC[family].find(([pattern]) => pattern.test(name));
  return rule ? name.replace(...rule) : name;
}
