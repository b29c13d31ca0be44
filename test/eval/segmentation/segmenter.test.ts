import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { buildSegmenter, segmentationLogits } from "../../../src/eval/segmentation/segmenter.js";
import { init } from "../../../src/runtime/context.js";
import { seededImages } from "../../models/backbone-suite.js";
import { tinyResnet, tinyVit } from "../../support/disc-task.js";
import { test } from "../../support/test.js";

const linear = { kind: "linear", classes: 3, channels: 0 } as const;

test("a head fits the maps of its encoder, and its start is a function of the seed", async () => {
  await init();
  for (const encoder of [tinyVit(), tinyResnet()]) {
    for (const spec of [linear, { kind: "upernet", classes: 3, channels: 4 } as const]) {
      const segmenter = buildSegmenter(encoder, spec, 7);
      assert.equal(
        step(() => segmentationLogits(segmenter, seededImages(2, 3, 32)).shape),
        [2, 8, 8, 3],
      );
      const state = (seed: number) =>
        [...buildSegmenter(encoder, spec, seed).head.stateDict().values()].map((x) => [...x.toArray()]);
      assert.equal(state(7), state(7));
      assert.not.equal(state(7), state(8));
    }
  }
});

test("gradients stop at a frozen encoder and go through one that is not", async () => {
  await init();
  const encoder = tinyVit();
  const segmenter = buildSegmenter(encoder, linear);
  const run = () =>
    step(() => segmentationLogits(segmenter, seededImages(1, 3, 16)).backward(new Float32Array(48).fill(1)));
  const [weight] = encoder.backbone.parameters();
  run();
  assert.is(weight.grad(), null);
  assert.ok(segmenter.head.parameters().every((x) => x.grad() !== null));
  encoder.backbone.requireGrad(true);
  run();
  assert.ok(weight.grad()?.some((value) => value !== 0));
});
