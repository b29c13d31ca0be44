import type { VisionTransformer } from "../models/vit.js";

/** A tensor on its way to a file. */
export interface ExportedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const RENAMED: readonly [RegExp, string][] = [
  [/^cls_token$/, "class_token"],
  [/^pos_embed$/, "encoder.pos_embedding"],
  [/^patch_embed\.proj\./, "conv_proj."],
  [/^blocks\.(\d+)\.norm([12])\./, "encoder.layers.encoder_layer_$1.ln_$2."],
  [/^blocks\.(\d+)\.attn\.qkv\./, "encoder.layers.encoder_layer_$1.self_attention.in_proj_"],
  [/^blocks\.(\d+)\.attn\.proj\./, "encoder.layers.encoder_layer_$1.self_attention.out_proj."],
  [/^blocks\.(\d+)\.mlp\.fc1\./, "encoder.layers.encoder_layer_$1.mlp.0."],
  [/^blocks\.(\d+)\.mlp\.fc2\./, "encoder.layers.encoder_layer_$1.mlp.3."],
  [/^norm\./, "encoder.ln."],
];

/** Tensors that other libraries' plain ViT has no place for. */
const DROPPED = /^mask_token$|\.ls[12]\.gamma$/;

/**
 * A dense ViT under torchvision's names. torchvision has no layer scale, so γ is folded into the layer before it:
 * γ ⊙ (W·x + b) = (γ ⊙ W)·x + γ ⊙ b.
 */
export function toTorchvision(vit: VisionTransformer): Map<string, ExportedTensor> {
  const state = vit.stateDict();
  const result = new Map<string, ExportedTensor>();
  for (const [name, x] of state) {
    if (DROPPED.test(name)) continue;
    const scale = name
      .replace(/attn\.proj\.(weight|bias)$/, "ls1.gamma")
      .replace(/mlp\.fc2\.(weight|bias)$/, "ls2.gamma");
    const gamma = scale === name ? undefined : state.get(scale)?.toArray();
    const data = x.toArray() as Float32Array;
    if (gamma) {
      const perRow = data.length / gamma.length;
      for (let i = 0; i < data.length; i++) data[i] *= gamma[Math.floor(i / perRow)];
    }
    const renamed = RENAMED.reduce((n, [pattern, replacement]) => n.replace(pattern, replacement), name);
    result.set(renamed, { shape: x.shape, data });
  }
  return result;
}

/** A dense ViT under timm's names, which are ours; timm has no mask token. */
export function toTimm(vit: VisionTransformer): Map<string, ExportedTensor> {
  const entries = [...vit.stateDict()].filter(([name]) => name !== "mask_token");
  return new Map(entries.map(([name, x]) => [name, { shape: x.shape, data: x.toArray() as Float32Array }]));
}
