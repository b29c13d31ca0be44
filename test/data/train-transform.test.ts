import * as assert from "uvu/assert";
import { EvalTransform } from "../../src/data/eval-transform.js";
import { parseRandAugment } from "../../src/data/rand-augment.js";
import { TrainTransform, type TrainTransformOptions } from "../../src/data/train-transform.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const contract = { channels: 3, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
const image = noiseImage({ width: 32, height: 32 });

/** The numbers of one look of an image with an index. */
function numbersOf(options: Partial<TrainTransformOptions>, { seed = 1, look = 0, index = 0 } = {}): Float32Array {
  const transform = new TrainTransform({ size: 24, ...contract, ...options });
  const target = transform.allocate(1);
  transform.write([image], { seed, looks: [look], indices: [index] }, target);
  const values = target.toArray() as Float32Array;
  transform.dispose();
  target.dispose();
  return values;
}

const still = { leastArea: 1, flipProbability: 0 };

test("without anything random it is the resize and normalisation of evaluation", () => {
  const evaluation = new EvalTransform({ geometry: { kind: "stretch", size: 24 }, ...contract });
  const target = evaluation.allocate(1);
  evaluation.write([image], target);
  assert.equal(numbersOf(still), target.toArray());
});

test("each part changes the image when it is on", () => {
  const plain = numbersOf(still);
  for (const options of [
    { leastArea: 0.3 },
    { flipProbability: 1 },
    { jitter: 0.4 },
    { randAugment: parseRandAugment("m9-p1") },
    { erasing: 1 },
  ]) {
    assert.not.equal(numbersOf({ ...still, ...options }), plain, JSON.stringify(options));
  }
});

test("a flip mirrors left and right", () => {
  const [plain, mirrored] = [numbersOf(still), numbersOf({ ...still, flipProbability: 1 })];
  for (let i = 0; i < plain.length; i++) assert.is(mirrored[i], plain[i - (i % 24) + 23 - (i % 24)]);
});

test("colour jitter is left out where RandAugment is on", () => {
  const randAugment = parseRandAugment("m9-p1");
  assert.equal(numbersOf({ ...still, randAugment, jitter: 0.4 }), numbersOf({ ...still, randAugment }));
});

test("what becomes of an image depends on seed, look and its index alone, not on its place in a batch", () => {
  const options = { randAugment: parseRandAugment("m9-mstd0.5-inc1"), erasing: 0.5 };
  const alone = numbersOf(options, { index: 7, look: 2 });
  const transform = new TrainTransform({ size: 24, ...contract, ...options });
  const target = transform.allocate(3);
  transform.write([image, image, image], { seed: 1, looks: [2, 2, 2], indices: [3, 4, 7] }, target);
  assert.equal(target.narrow(0, 2, 1).toArray(), alone);
  assert.not.equal(target.narrow(0, 1, 1).toArray(), alone);
  transform.write([image, image, image], { seed: 1, looks: [0, 2, 3], indices: [7, 7, 7] }, target);
  assert.equal(target.narrow(0, 1, 1).toArray(), alone, "several looks of one image in a batch");
  assert.not.equal(target.narrow(0, 2, 1).toArray(), alone);
  assert.not.equal(numbersOf(options, { index: 7, look: 2, seed: 2 }), alone);
});

test("targets that do not fit and options out of range are refused", () => {
  const transform = new TrainTransform({ size: 24, ...contract });
  const key = { seed: 1, looks: [0, 0], indices: [0, 1] };
  refuses(
    () => transform.write([image, image], key, transform.allocate(1)),
    ShapeError,
    "expected a dense f32 [2, 3, 24, 24]",
  );
  for (const wrong of [{ size: 0 }, { leastArea: 0 }, { flipProbability: 2 }, { jitter: -1 }, { erasing: 1.5 }])
    refuses(() => new TrainTransform({ size: 24, ...contract, ...wrong }), ConfigError, Object.keys(wrong)[0]);
});
