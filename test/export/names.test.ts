import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Family, fromOfficial, toOfficial } from "../../src/export/names.js";
import { buildBranch } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import { shapesOnly } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

/** Names of a published network with its heads. */
function published(family: Family): string[] {
  const fixture = new URL(`../../../test/fixtures/golden/param_groups_${family}.json`, import.meta.url);
  return (JSON.parse(readFileSync(fixture, "utf8")) as { params: [string, ...unknown[]][] }).params.map(
    ([name]) => name,
  );
}

const pairs: readonly (readonly [string, string])[] = [
  ["cls_token", "cls_token"],
  ["backbone.pos_embed", "backbone.pos_embed"],
  ["patch_embed.proj.weight", "patch_embed.proj.weight"],
  ["blocks.3.norm1.norm.weight", "blocks.3.norm1.weight"],
  ["backbone.blocks.11.attn.qkv.linear.bias", "backbone.blocks.11.attn.qkv.bias"],
  ["blocks.0.attn.proj.linear.weight", "blocks.0.attn.proj.weight"],
  ["blocks.0.ls1.gamma", "blocks.0.ls1.gamma"],
  ["blocks.0.norm2.norm.bias", "blocks.0.norm2.bias"],
  ["blocks.0.mlp.fc1.linear.weight", "blocks.0.mlp.fc1.weight"],
  ["blocks.0.mlp.fc2.linear.bias", "blocks.0.mlp.fc2.bias"],
  ["norm.norm.weight", "norm.weight"],
  ["backbone.norm.norm.bias", "backbone.norm.bias"],
  ["dino_head.mlp2.0.linear.weight", "dino_head.mlp2.0.weight"],
  ["dino_head.mlp10.2.weight", "dino_head.mlp10.2.weight"],
  ["dino_head.last_layer0.weight_g", "dino_head.last_layer0.weight_g"],
];

test("published names and ours translate both ways", () => {
  for (const [official, ours] of pairs) {
    assert.is(fromOfficial(official), ours);
    assert.is(toOfficial(ours), official);
  }
});

test("our names pass through fromOfficial, so that either may stand in a file", () => {
  for (const [, ours] of pairs) assert.is(fromOfficial(ours), ours);
});

test("every parameter of the published ViT and its heads has its name in ours, and no other", () => {
  const { config } = resolveConfig({}, { preset: "vit_ee1200" });
  const ours = shapesOnly(() => buildBranch(config))
    .namedParameters()
    .map(([name]) => name);
  assert.ok(published("vit").length > 300);
  assert.equal(published("vit").map(fromOfficial).sort(), [...ours].sort());
  assert.equal(ours.map((name) => toOfficial(name)).sort(), published("vit").sort());
});

test("every published name of every family comes back from ours", () => {
  for (const family of ["vit", "swin", "resnet"] as const) {
    const names = published(family);
    assert.ok(names.length > 300);
    assert.equal(new Set(names.map(fromOfficial)).size, names.length);
    assert.not.ok(names.map(fromOfficial).some((name) => /\.linear\.|norm\d?\.norm\.|\.conv\d\.conv\./.test(name)));
    assert.equal(
      names.map((name) => toOfficial(fromOfficial(name), family)),
      names,
    );
  }
});

test("names that two families write differently depend on the family", () => {
  assert.is(toOfficial("norm1.weight", "swin"), "norm1.norm.weight");
  assert.is(toOfficial("norm1.weight", "resnet"), "norm1.weight");
  assert.is(toOfficial("layer1.layers.0.conv2.weight", "resnet"), "layer1.layers.0.conv2.conv.weight");
  assert.is(toOfficial("conv1.weight", "resnet"), "conv1.weight");
});

test("the chunk of a sharded network is left out", () => {
  assert.is(fromOfficial("backbone.blocks.1.7.attn.qkv.linear.weight"), "backbone.blocks.7.attn.qkv.weight");
  assert.is(fromOfficial("stages.2.blocks.1.norm1.norm.weight"), "stages.2.blocks.1.norm1.weight");
});
