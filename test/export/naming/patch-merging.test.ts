import * as assert from "uvu/assert";
import { swapMiddleGroups } from "../../../src/export/naming/patch-merging.js";
import type { StoredTensor } from "../../../src/formats/safetensors.js";
import { test } from "../../support/test.js";

const counted = (shape: readonly number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});

test("the second and third channel group of patch merging change places, row by row", () => {
  const norm = swapMiddleGroups("stages.0.downsample.norm.bias", counted([8]));
  assert.equal([...norm.data], [0, 1, 4, 5, 2, 3, 6, 7]);
  const reduction = swapMiddleGroups("stages.2.downsample.reduction.weight", counted([2, 4]));
  assert.equal([...reduction.data], [0, 2, 1, 3, 4, 6, 5, 7]);
});

test("swapping twice changes nothing, and the tensor given is left alone", () => {
  const x = counted([3, 12]);
  const name = "stages.1.downsample.reduction.weight";
  assert.equal(swapMiddleGroups(name, swapMiddleGroups(name, x)), x);
  assert.equal(x, counted([3, 12]));
});

test("other tensors pass through", () => {
  for (const name of ["stages.0.blocks.0.norm1.weight", "layer1.layers.0.downsample.1.weight", "norm3.bias"]) {
    const x = counted([8]);
    assert.is(swapMiddleGroups(name, x), x);
  }
});
