import * as assert from "uvu/assert";
import { openDetectionPair } from "../../../src/data/detection-spec.js";
import { ConfigError, DataError, NumericError } from "../../../src/errors.js";
import { detectObjects } from "../../../src/eval/detection/detect.js";
import { detectionFigures } from "../../../src/eval/detection/figures.js";
import { type DetectorStep, trainDetector } from "../../../src/eval/detection/train.js";
import { init, memory } from "../../../src/runtime/context.js";
import { shapesVoc } from "../../support/annotated-images.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();
const { train, test: held } = openDetectionPair({ data: `voc:${shapesVoc(16, 6)}`, test: undefined });
const encoder = tinyEncoder();
const small = { shortSide: 40, batchSize: 4, width: 16, towerDepth: 1 } as const;

const bitsOf = (tensors: Iterable<[string, { toArray(): ArrayLike<number> }]>) =>
  [...tensors].map(([name, x]) => [name, ...Array.from(x.toArray())]);

test("a detector learns to find two shapes over a random encoder, which stays as it was", async () => {
  const before = bitsOf(encoder.backbone.namedTensors());
  const steps: DetectorStep[] = [];
  const detector = await trainDetector(train, encoder, {
    ...{ ...small, iterations: 90, lr: 5e-3, scales: [0.9, 1], cropProbability: 0, seed: 1 },
    onStep: (report) => steps.push(report),
  });
  assert.equal(bitsOf(encoder.backbone.namedTensors()), before);
  assert.equal([steps.length, steps[0].iteration, steps[89].iterations], [90, 1, 90]);
  assert.ok(steps[0].lr < 1e-4 && steps[40].lr === 5e-3 && steps[89].lr < 6e-5, "warm-up, then two falls");
  const mean = (part: DetectorStep[]) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
  assert.ok(mean(steps.slice(-10)) < 0.6 * mean(steps.slice(0, 10)));
  const found = await detectObjects(held, detector);
  detector.dispose();
  assert.equal(
    found.map(({ index }) => index),
    [0, 1, 2, 3, 4, 5],
  );
  const { ap50, perClass } = detectionFigures(found, held.classes);
  assert.ok(ap50! > 0.7, `AP50 ${ap50} ${JSON.stringify(perClass)}`);
});

test("training is a function of the seed", async () => {
  const weights = async (seed: number) => {
    const detector = await trainDetector(train, encoder, { ...small, iterations: 2, seed });
    const bits = bitsOf(detector.head.namedTensors());
    detector.dispose();
    return bits;
  };
  assert.equal(await weights(7), await weights(7));
  assert.not.equal(await weights(7), await weights(8));
});

test("a tuned backbone is a copy that moves, its first layers least", async () => {
  const before = new Map([...encoder.backbone.namedTensors()].map(([name, x]) => [name, [...x.toArray()]]));
  const detector = await trainDetector(train, encoder, {
    ...{ ...small, iterations: 3, tuneBackbone: true, layerDecay: 0.1, weightDecay: 0 },
  });
  const moved = (name: string) => {
    const now = Array.from(detector.backbone.stateDict().get(name)!.toArray());
    return now.reduce((most, value, i) => Math.max(most, Math.abs(value - before.get(name)![i])), 0);
  };
  const [first, last] = [moved("patch_embed.proj.weight"), moved("blocks.1.mlp.fc2.weight")];
  assert.ok(first > 0 && last > 10 * first, `${first}, ${last}`);
  for (const [name, x] of encoder.backbone.namedTensors()) assert.equal([...x.toArray()], before.get(name));
  detector.dispose();
});

test("the blocks of a tuned backbone are dropped at the rate that is asked for, by the seed", async () => {
  const head = async (options: object) => {
    const detector = await trainDetector(train, encoder, { ...small, iterations: 3, ...options });
    const bits = bitsOf(detector.head.namedTensors());
    detector.dispose();
    return bits;
  };
  const dropped = { tuneBackbone: true, dropPathRate: 0.6 };
  assert.equal(await head(dropped), await head(dropped));
  assert.not.equal(await head(dropped), await head({ ...dropped, dropPathRate: 0 }));
  assert.equal(await head({ dropPathRate: 0.6 }), await head({ dropPathRate: 0 }), "a frozen one stays whole");
});

test("memory is given back", async () => {
  const once = async () => {
    const detector = await trainDetector(train, encoder, { ...small, iterations: 2 });
    await detectObjects(held, detector);
    detector.dispose();
    return memory().persistentBytes;
  };
  const after = await once();
  assert.is(await once(), after);
});

test("a loss that is not finite ends the training, and so do scales that are not rising and images without objects", async () => {
  const rejects = async (options: object, type: new (message: string) => Error, pattern: RegExp, source = train) => {
    try {
      await trainDetector(source, encoder, { ...small, iterations: 30, ...options });
    } catch (error) {
      assert.instance(error, type);
      return assert.match((error as Error).message, pattern);
    }
    assert.unreachable();
  };
  await rejects({ lr: 1e30 }, NumericError, /the loss of step \d+ is NaN. Lower the learning rate/);
  await rejects({ scales: [1, 0.5] }, ConfigError, /scales are 1 to 0.5/);
  await rejects({}, DataError, /there is no object on the images of voc:/, { ...train, classes: [] });
});
