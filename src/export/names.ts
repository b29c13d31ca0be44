/**
 * Parameter names of the published checkpoints, which wrap elastic layers in an inner module: `qkv.linear.weight`,
 * `norm1.norm.weight` (spec §9). Ours are those of DINOv2 and timm.
 */

const ELASTIC_LINEAR = /(blocks\.\d+\.(?:attn\.(?:qkv|proj)|mlp\.fc[12])|\bmlp\d+\.0)\.(weight|bias)$/;
const ELASTIC_CONV = /(layer\d\.layers\.\d+\.conv[123])\.weight$/;
const ELASTIC_NORM = /((?:^|\.)norm[12]?)\.(weight|bias)$/;

/** Our name of a published one. */
export function fromOfficial(name: string): string {
  return name
    .replace(/\.(?:linear|conv)\.(weight|bias)$/, ".$1")
    .replace(/((?:^|\.)norm\d?)\.norm\.(weight|bias)$/, "$1.$2");
}

/** The published name of ours. A ResNet, whose norms have no inner module, says so: its names alone do not tell. */
export function toOfficial(name: string, family?: "vit" | "swin" | "resnet"): string {
  if (family === "resnet") return name.replace(ELASTIC_CONV, "$1.conv.weight");
  if (ELASTIC_LINEAR.test(name)) return name.replace(ELASTIC_LINEAR, "$1.linear.$2");
  return name.replace(ELASTIC_NORM, "$1.norm.$2");
}
