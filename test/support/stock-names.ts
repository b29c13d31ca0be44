import { readFileSync } from "node:fs";
import type { Family } from "../../src/export/names.js";
import { readSafetensors, type StoredTensor } from "../../src/formats/safetensors.js";

/** Tensors of the network of torchvision in test/fixtures/golden, its classifier included. */
export function torchvisionState(family: Family): Map<string, StoredTensor> {
  const path = new URL(`../../../test/fixtures/golden/torchvision_${family}.safetensors`, import.meta.url);
  const { tensors } = readSafetensors(readFileSync(path), `torchvision_${family}`);
  return new Map([...tensors].filter(([name]) => !/^(in|out|out64|grad|grad64|after)\./.test(name)));
}

/** Names of the tensors of timm's Swin, written out; patch merging stands in the layer before it, or behind it. */
export function timmSwinNames(depths: readonly number[], merging: "before" | "after"): string[] {
  const both = (module: string) => [`${module}.weight`, `${module}.bias`];
  const blocks = depths.flatMap((depth, s) =>
    Array.from({ length: depth }, (_, i) => `layers.${s}.blocks.${i}`).flatMap((block) => [
      ...["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"].flatMap((part) => both(`${block}.${part}`)),
      `${block}.attn.relative_position_bias_table`,
    ]),
  );
  const layers = merging === "after" ? [0, 1, 2] : [1, 2, 3];
  const merges = layers.flatMap((s) => [
    ...both(`layers.${s}.downsample.norm`),
    `layers.${s}.downsample.reduction.weight`,
  ]);
  return [...both("patch_embed.proj"), ...both("patch_embed.norm"), ...blocks, ...merges, ...both("norm")];
}
