import * as assert from "uvu/assert";
import { official } from "../../../src/export/naming/official.js";
import { timmVit } from "../../../src/export/naming/timm-vit.js";
import { test } from "../../support/test.js";

test("published names depend on the family; ours are accepted too", () => {
  assert.is(official("swin").theirs("norm3.weight"), "norm3.norm.weight");
  assert.is(official("resnet").theirs("norm1.weight"), "norm1.weight");
  for (const name of ["blocks.1.3.mlp.fc1.linear.bias", "blocks.3.mlp.fc1.linear.bias", "blocks.3.mlp.fc1.bias"])
    assert.is(official("vit").ours(name), "blocks.3.mlp.fc1.bias");
  assert.ok(official("swin").computed!.test("stages.0.blocks.0.attn.w_msa.relative_position_index"));
});

test("timm's ViT has our names without the mask token, DINOv2's has it and may be in chunks", () => {
  assert.is(timmVit.theirs("blocks.0.ls1.gamma"), "blocks.0.ls1.gamma");
  assert.is(timmVit.theirs("mask_token"), undefined);
  assert.is(timmVit.ours("mask_token"), "mask_token");
  assert.is(timmVit.ours("blocks.2.20.norm1.weight"), "blocks.20.norm1.weight");
});
