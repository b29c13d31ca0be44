import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { fromOfficial, toOfficial } from "../../src/export/names.js";
import { buildBranch } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import { shapesOnly } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

const fixture = new URL("../../../test/fixtures/golden/param_groups_vit.json", import.meta.url);

/** Names of the published ViT with its heads. */
const published = (JSON.parse(readFileSync(fixture, "utf8")) as { params: [string, ...unknown[]][] }).params.map(
  ([name]) => name,
);

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
  assert.ok(published.length > 300);
  assert.equal(published.map(fromOfficial).sort(), [...ours].sort());
  assert.equal(ours.map((name) => toOfficial(name)).sort(), [...published].sort());
});
