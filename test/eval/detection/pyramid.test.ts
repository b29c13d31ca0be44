import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { DetectionPyramid, groupsFor, pyramidPlan } from "../../../src/eval/detection/pyramid.js";
import { featureMaps } from "../../../src/models/feature-maps.js";
import { init } from "../../../src/runtime/context.js";
import { zeros } from "../../../src/tensor/create.js";
import { Rng } from "../../../src/tensor/random.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

const vit = (stride: number) => Array.from({ length: 4 }, () => ({ channels: 24, stride }));
const stages = [4, 8, 16, 32].map((stride, s) => ({ channels: 16 * 2 ** s, stride }));

test("photos have P3 to P7, as far as their size calls for, whatever the backbone", () => {
  for (const shapes of [vit(16), vit(8), vit(4), stages]) {
    assert.equal(pyramidPlan(shapes, 800).strides, [8, 16, 32, 64, 128]);
    assert.equal(pyramidPlan(shapes, 480).strides, [8, 16, 32, 64]);
    assert.equal(pyramidPlan(shapes, 240).strides, [8, 16, 32]);
    assert.equal(pyramidPlan(shapes, 120).strides, [4, 8, 16]);
  }
  assert.equal(pyramidPlan(vit(14), 800).strides, [7, 14, 28, 56, 112]);
});

test("of stages those of the wanted strides are taken, of a ViT the last maps, resized", () => {
  assert.equal(pyramidPlan(stages, 800), {
    ...{ channels: [32, 64, 128], first: 1, scales: null },
    strides: [8, 16, 32, 64, 128],
  });
  assert.equal(pyramidPlan(stages, 120).channels, [16, 32, 64]);
  const { first, scales } = pyramidPlan(vit(16), 800);
  assert.equal([first, scales], [1, [2, 1, 0.5]]);
  assert.equal(pyramidPlan(vit(4), 240).scales, [0.5, 0.25, 0.125]);
});

test("groups divide the channels", () => {
  assert.equal([64, 96, 48, 24, 16, 7].map(groupsFor), [32, 32, 16, 8, 16, 1]);
});

test("the levels of an image have its sides over their strides", async () => {
  await init();
  const { backbone } = tinyEncoder();
  const pyramid = new DetectionPyramid(backbone, { shortSide: 128, channels: 8, rng: new Rng(1) });
  assert.equal([pyramid.plan.strides, pyramid.multiple], [[4, 8, 16], 16]);
  step(() => {
    const levels = pyramid.forward(featureMaps(backbone, zeros([2, 3, 32, 48])));
    assert.equal(
      levels.map(({ shape }) => shape),
      [
        [2, 8, 12, 8],
        [2, 4, 6, 8],
        [2, 2, 3, 8],
      ],
    );
  });
});
