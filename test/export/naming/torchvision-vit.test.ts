import * as assert from "uvu/assert";
import { foldLayerScale, torchvisionVit } from "../../../src/export/naming/torchvision-vit.js";
import type { StoredTensor } from "../../../src/formats/safetensors.js";
import { torchvisionState } from "../../support/stock-names.js";
import { test } from "../../support/test.js";

test("every tensor of torchvision's ViT but its classifier has a name of ours, and gets its own back", () => {
  const names = [...torchvisionState("vit").keys()];
  const ours = names.map(torchvisionVit.ours);
  assert.equal(names.filter((_, i) => ours[i] === undefined).sort(), ["heads.head.bias", "heads.head.weight"]);
  for (const [i, own] of ours.entries()) if (own) assert.is(torchvisionVit.theirs(own), names[i]);
  assert.ok(ours.includes("blocks.2.attn.qkv.weight"));
});

test("what torchvision has no place for has no name there", () => {
  for (const name of ["mask_token", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma"])
    assert.is(torchvisionVit.theirs(name), undefined);
});

test("a layer scale multiplies the rows of the layer before it and goes", () => {
  const f32 = (shape: readonly number[], ...data: number[]): StoredTensor => ({
    dtype: "F32",
    shape,
    data: Float32Array.from(data),
  });
  const state = new Map([
    ["blocks.0.attn.proj.weight", f32([2, 2], 1, 2, 3, 4)],
    ["blocks.0.attn.proj.bias", f32([2], 1, 1)],
    ["blocks.0.ls1.gamma", f32([2], 2, 3)],
    ["blocks.0.mlp.fc2.weight", f32([1, 2], 5, 6)],
    ["blocks.0.ls2.gamma", f32([1], 0.5)],
    ["blocks.1.mlp.fc2.weight", f32([1, 2], 5, 6)],
    ["blocks.0.mlp.fc1.weight", f32([1], 7)],
  ]);
  const folded = Object.fromEntries([...foldLayerScale(state)].map(([name, { data }]) => [name, [...data]]));
  assert.equal(folded, {
    "blocks.0.attn.proj.weight": [2, 4, 9, 12],
    "blocks.0.attn.proj.bias": [2, 3],
    "blocks.0.mlp.fc2.weight": [2.5, 3],
    "blocks.1.mlp.fc2.weight": [5, 6],
    "blocks.0.mlp.fc1.weight": [7],
  });
});
