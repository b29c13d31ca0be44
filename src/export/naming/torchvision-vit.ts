import type { StoredTensor } from "../../formats/safetensors.js";
import { type Naming, namingOf } from "./naming.js";

const LAYER = "encoder.layers.encoder_layer_#";

/** torchvision's VisionTransformer. It has neither a mask token nor a layer scale (see `foldLayerScale`). */
export const torchvisionVit: Naming = namingOf([
  ["class_token", "cls_token"],
  ["encoder.pos_embedding", "pos_embed"],
  ["conv_proj.*", "patch_embed.proj.*"],
  [`${LAYER}.ln_1.*`, "blocks.#.norm1.*"],
  [`${LAYER}.self_attention.in_proj_*`, "blocks.#.attn.qkv.*"],
  [`${LAYER}.self_attention.out_proj.*`, "blocks.#.attn.proj.*"],
  [`${LAYER}.ln_2.*`, "blocks.#.norm2.*"],
  [`${LAYER}.mlp.0.*`, "blocks.#.mlp.fc1.*"],
  [`${LAYER}.mlp.3.*`, "blocks.#.mlp.fc2.*"],
  ["encoder.ln.*", "norm.*"],
]);

/** Layers that a layer scale stands behind. */
const SCALED: readonly [RegExp, string][] = [
  [/attn\.proj\.(?:weight|bias)$/, "ls1.gamma"],
  [/mlp\.fc2\.(?:weight|bias)$/, "ls2.gamma"],
];

/**
 * A ViT without layer scale that computes the same: γ is folded into the layer before it,
 * γ ⊙ (W·x + b) = (γ ⊙ W)·x + γ ⊙ b.
 *
 * @param state  float32 tensors under our names
 */
export function foldLayerScale(state: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, x] of state) {
    if (name.endsWith(".gamma")) continue;
    const [layer, scale] = SCALED.find(([pattern]) => pattern.test(name)) ?? [];
    const gamma = layer && state.get(name.replace(layer, scale!));
    result.set(name, gamma ? scaledRows(x, gamma.data as Float32Array) : x);
  }
  return result;
}

function scaledRows({ dtype, shape, data }: StoredTensor, gamma: Float32Array): StoredTensor {
  const perRow = data.length / gamma.length;
  return { dtype, shape, data: (data as Float32Array).map((value, i) => value * gamma[Math.floor(i / perRow)]) };
}
