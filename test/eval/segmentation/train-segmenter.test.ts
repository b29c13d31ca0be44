import * as assert from "uvu/assert";
import { NumericError } from "../../../src/errors.js";
import { countPixels, segmentationScores } from "../../../src/eval/segmentation/pixel-counts.js";
import { segmentImages } from "../../../src/eval/segmentation/segment-images.js";
import { buildSegmenter, type HeadSpec, type Segmenter } from "../../../src/eval/segmentation/segmenter.js";
import { type SegmenterTrainingOptions, trainSegmenter } from "../../../src/eval/segmentation/train-segmenter.js";
import { type Encoder, trainableCopy } from "../../../src/models/encoder.js";
import { init } from "../../../src/runtime/context.js";
import { discSource, tinyResnet, tinyVit } from "../../support/disc-task.js";
import { test } from "../../support/test.js";

const usual = { iterations: 40, batchSize: 4, lr: 1e-2, size: 32, crop: 32 };

/** A segmenter after training on discs, and its losses. */
async function trained(
  encoder: Encoder,
  spec: Partial<HeadSpec> = {},
  options: Partial<SegmenterTrainingOptions> = {},
): Promise<{ segmenter: Segmenter; losses: number[] }> {
  const segmenter = buildSegmenter(encoder, { kind: "linear", classes: 2, channels: 8, ...spec });
  const losses: number[] = [];
  await trainSegmenter(segmenter, discSource(8), { ...usual, onStep: ({ loss }) => losses.push(loss), ...options });
  return { segmenter, losses };
}

async function foregroundIou(segmenter: Segmenter): Promise<number> {
  const counts = [];
  for await (const { labels, predicted } of segmentImages(segmenter, discSource(6, 50), { size: 32, crop: 32 })) {
    counts.push(countPixels(labels, predicted, new Float64Array(4)));
  }
  return segmentationScores(counts, { resamples: 10 }).foreground!.iou;
}

test("a linear head on a frozen encoder learns to tell discs from noise, on images that it has not seen", async () => {
  await init();
  const encoder = tinyVit();
  const before = encoder.backbone.parameters().map((x) => [...x.toArray()]);
  const { segmenter, losses } = await trained(encoder);
  assert.ok(losses[39] < 0.6 * losses[0], `${losses[0]} to ${losses[39]}`);
  const iou = await foregroundIou(segmenter);
  assert.ok(iou > 0.6, `${iou}`);
  assert.equal(
    encoder.backbone.parameters().map((x) => [...x.toArray()]),
    before,
  );
});

test("an UPerNet learns it too, from the stages of a ResNet", async () => {
  await init();
  const { segmenter } = await trained(tinyResnet(), { kind: "upernet" }, { iterations: 100, lr: 3e-2 });
  const iou = await foregroundIou(segmenter);
  assert.ok(iou > 0.6, `${iou}`);
});

test("a backbone that is not frozen is trained along, lower layers more slowly", async () => {
  await init();
  const { backbone, spec } = tinyVit();
  const names = ["blocks.0.mlp.fc1.weight", "blocks.3.mlp.fc1.weight"];
  const values = () => names.map((name) => [...backbone.stateDict().get(name)!.toArray()]);
  const before = values();
  backbone.requireGrad(true);
  await trained({ backbone, spec }, {}, { iterations: 4, lr: 1e-3, layerDecay: 0.5 });
  const moved = values().map((own, i) => own.reduce((sum, value, j) => sum + Math.abs(value - before[i][j]), 0));
  assert.ok(moved[0] > 0 && moved[0] < 0.3 * moved[1], `${moved}`);
});

test("training is a function of the seed", async () => {
  await init();
  const run = async (seed: number) => (await trained(tinyVit(), {}, { iterations: 3, seed })).losses;
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  assert.equal(first, again);
  assert.not.equal(first, other);
});

test("a loss that is not finite ends the training with a message", async () => {
  await init();
  try {
    await trained(tinyVit(), {}, { lr: 1e30 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NumericError);
    assert.match((error as Error).message, /the loss is (NaN|Infinity) in step \d+\. Lower the learning rate/);
  }
});

test("the blocks of a backbone that is trained are dropped at the rate that they were built with, by the seed", async () => {
  await init();
  const head = async (dropPathRate: number, seed = 0) => {
    const encoder = tinyVit();
    const tuned = { ...encoder, backbone: trainableCopy(encoder, { dropPathRate }) };
    const { segmenter } = await trained(tuned, {}, { iterations: 3, seed });
    return segmenter.head.parameters().map((x) => [...x.toArray()]);
  };
  assert.equal(await head(0.6), await head(0.6));
  assert.not.equal(await head(0.6), await head(0));
  const whole = { ...tinyVit() };
  whole.backbone.requireGrad(true);
  const { segmenter } = await trained(whole, {}, { iterations: 3 });
  assert.equal(
    await head(0),
    segmenter.head.parameters().map((x) => [...x.toArray()]),
  );
});
