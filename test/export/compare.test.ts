import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { featureValues, largestDifference, patchValues } from "../../src/export/compare.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

test("the largest difference is found anywhere, and what is no number is not overlooked", () => {
  assert.is(largestDifference([1, 2, 3], [1, 2.5, 2]), 1);
  assert.is(largestDifference([], []), 0);
  assert.ok(Number.isNaN(largestDifference([1, Number.NaN, 3], [1, 2, 9])));
});

test("features are those of the network's forward pass, of length 1 if asked for, and leave no memory behind", () => {
  const encoder = tinyEncoder();
  const images = fromArray(numbers([2, 3, 16, 16], 4), [2, 3, 16, 16]);
  const used = memory().persistentBytes;
  const [own, patches] = step(() => {
    const { classToken, patchTokens } = encoder.backbone.forward(images);
    return [[...classToken.toArray()], [...patchTokens.toArray()]];
  });
  assert.equal([...featureValues(encoder, images)], own);
  assert.equal([...patchValues(encoder, images)], patches);
  const unit = featureValues(encoder, images, { unitLength: true });
  assert.ok(Math.abs(Math.hypot(...unit.subarray(16)) - 1) < 1e-6);
  assert.is(memory().persistentBytes, used);
});
