import * as assert from "uvu/assert";
import { timmMerging, timmSwin } from "../../../src/export/naming/timm-swin.js";
import { torchvisionSwin } from "../../../src/export/naming/torchvision-swin.js";
import { timmSwinNames, torchvisionState } from "../../support/stock-names.js";
import { test } from "../../support/test.js";

const depths = [2, 2, 2, 2];

test("in either convention timm's names and torchvision's lead to the same tensors", () => {
  const torchvision = [...torchvisionState("swin").keys()].flatMap((name) => torchvisionSwin.ours(name) ?? []);
  for (const merging of ["before", "after"] as const) {
    const names = timmSwinNames(depths, merging);
    const { ours, theirs } = timmSwin(merging);
    assert.equal(names.map(ours).sort(), [...torchvision].sort());
    for (const name of names) assert.is(theirs(ours(name)!), name);
  }
});

test("a file tells its convention", () => {
  for (const merging of ["before", "after"] as const) assert.is(timmMerging(timmSwinNames(depths, merging)), merging);
});

test("buffers are known as such, the classifier is not", () => {
  const { computed, ours } = timmSwin("before");
  assert.ok(computed!.test("layers.0.blocks.1.attn_mask"));
  assert.ok(computed!.test("layers.0.blocks.1.attn.relative_position_index"));
  assert.not.ok(computed!.test("layers.0.blocks.1.attn.relative_position_bias_table"));
  for (const name of ["head.weight", "head.fc.bias", "absolute_pos_embed"]) assert.is(ours(name), undefined);
});
