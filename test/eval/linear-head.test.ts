import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { linearRecognizer } from "../../src/eval/linear-head.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const next = seeded(4);
const images = fromArray(
  Float32Array.from({ length: 5 * 3 * 16 * 16 }, () => 2 * next() - 1),
  [5, 3, 16, 16],
);

const headOf = (features: number, options: { positions: readonly number[]; pooled: boolean }) => ({
  weight: fromArray(
    Float32Array.from({ length: 3 * features }, () => next() - 0.5),
    [3, features],
  ),
  bias: fromArray([0.1, -0.2, 0.3], [3]),
  ...options,
});

test("features are the class features of the layers in their order, then the mean of the last layer's patches", () => {
  const { featuresOf } = linearRecognizer(encoder, headOf(48, { positions: [0, 1], pooled: true }));
  const before = memory().persistentBytes;
  const features = featuresOf(images);
  assert.equal(features.shape, [5, 48]);
  const rows = features.toArray();
  features.dispose();
  assert.is(memory().persistentBytes, before);
  const [first, last] = step(() =>
    encoder.backbone
      .intermediate(images, [0, 1])
      .map(({ classToken, patchTokens }) => [classToken.toArray(), patchTokens.toArray()]),
  );
  for (let b = 0; b < 5; b++) {
    const mean = Array.from({ length: 16 }, (_, f) => {
      let sum = 0;
      for (let n = 0; n < 16; n++) sum += last[1][(b * 16 + n) * 16 + f];
      return sum / 16;
    });
    const expected = [...first[0].slice(16 * b, 16 * b + 16), ...last[0].slice(16 * b, 16 * b + 16), ...mean];
    close(rows.subarray(48 * b, 48 * b + 48), expected, 1e-5, `image ${b}`);
  }
});

test("the class is that of the largest weighted sum with its bias", () => {
  const head = headOf(16, { positions: [1], pooled: false });
  const { featuresOf, classifier } = linearRecognizer(encoder, head);
  const features = featuresOf(images);
  const [x, w] = [features.toArray(), head.weight.toArray()];
  const expected = Array.from({ length: 5 }, (_, b) => {
    const sums = [0.1, -0.2, 0.3].map((bias, c) => {
      let sum = bias;
      for (let f = 0; f < 16; f++) sum += w[16 * c + f] * x[16 * b + f];
      return sum;
    });
    return sums.indexOf(Math.max(...sums));
  });
  assert.equal([...classifier.predict(features)], expected);
  features.dispose();
});

test("layers that the network has not are refused", () => {
  const { featuresOf } = linearRecognizer(encoder, headOf(32, { positions: [1, 7], pooled: false }));
  refuses(() => featuresOf(images), ShapeError, "layers 1, 7 are wanted, the network has 1 of them");
});
