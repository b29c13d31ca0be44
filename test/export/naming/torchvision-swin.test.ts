import * as assert from "uvu/assert";
import { torchvisionSwin } from "../../../src/export/naming/torchvision-swin.js";
import { torchvisionState } from "../../support/stock-names.js";
import { test } from "../../support/test.js";

test("every learnt tensor of torchvision's Swin but its classifier has a name of ours, and gets its own back", () => {
  const names = [...torchvisionState("swin").keys()].filter((name) => !torchvisionSwin.computed!.test(name));
  const ours = names.map(torchvisionSwin.ours);
  assert.equal(names.filter((_, i) => ours[i] === undefined).sort(), ["head.bias", "head.weight"]);
  for (const [i, own] of ours.entries()) if (own) assert.is(torchvisionSwin.theirs(own), names[i]);
  for (const own of [
    "stages.3.blocks.1.ffn.fc2.weight",
    "stages.2.downsample.reduction.weight",
    "patch_embed.norm.bias",
  ])
    assert.ok(ours.includes(own), own);
});

test("the norms between stages and the mask token have no name there", () => {
  for (const name of ["norm0.weight", "norm1.bias", "norm2.weight", "mask_token"])
    assert.is(torchvisionSwin.theirs(name), undefined);
  assert.is(torchvisionSwin.theirs("norm3.weight"), "norm.weight");
});
