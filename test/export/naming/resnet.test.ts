import * as assert from "uvu/assert";
import { stockResnet } from "../../../src/export/naming/resnet.js";
import { torchvisionState } from "../../support/stock-names.js";
import { test } from "../../support/test.js";

test("every tensor of torchvision's ResNet but its classifier has a name of ours, and gets its own back", () => {
  const names = [...torchvisionState("resnet").keys()];
  const ours = names.map(stockResnet.ours);
  assert.equal(names.filter((_, i) => ours[i] === undefined).sort(), ["fc.bias", "fc.weight"]);
  for (const [i, own] of ours.entries()) if (own) assert.is(stockResnet.theirs(own), names[i]);
  for (const own of ["norm1.running_var", "layer4.layers.0.downsample.1.bias", "layer2.layers.0.conv2.weight"])
    assert.ok(ours.includes(own), own);
});

test("the count of batches is an integer there and a float32 here; other tensors pass through", () => {
  const there = { dtype: "I64", shape: [], data: BigInt64Array.of(70n) } as const;
  const here = stockResnet.convert!("norm1.num_batches_tracked", there, "ours");
  assert.equal([here.dtype, here.shape, [...here.data]], ["F32", [], [70]]);
  assert.equal(stockResnet.convert!("norm1.num_batches_tracked", here, "theirs"), there);
  const weight = { dtype: "F32", shape: [1], data: Float32Array.of(1.5) } as const;
  assert.is(stockResnet.convert!("norm1.weight", weight, "ours"), weight);
});
