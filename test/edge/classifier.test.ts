import * as assert from "uvu/assert";
import { imageArray } from "../../src/data/image-array.js";
import { loadEncoder } from "../../src/edge.js";
import { DataError, FormatError } from "../../src/errors.js";
import { extractFeatures } from "../../src/eval/features.js";
import { knnVote } from "../../src/eval/knn.js";
import { linearRecognizer } from "../../src/eval/linear-head.js";
import { recognize } from "../../src/eval/robustness.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import type { Encoder } from "../../src/models/encoder.js";
import { bestClasses } from "../../src/models/linear-head.js";
import type { StoredBank, StoredHead } from "../../src/models/stored-classifier.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const classes = ["cat", "dog", "fox"];
const known = Array.from({ length: 12 }, (_, seed) => noiseImage({ width: 20, height: 20, seed }));
const labels = Int32Array.from(known, (_, i) => i % 3);
const asked = Array.from({ length: 10 }, (_, i) => noiseImage({ width: 16 + i, height: 24, seed: 50 + i }));

async function bankOf(network: Encoder): Promise<StoredBank> {
  const { features } = await extractFeatures(imageArray(known), network);
  const stored = { dtype: "F32", shape: features.shape, data: features.toArray() as Float32Array } as const;
  features.dispose();
  return { classes, k: 5, temperature: 0.07, features: stored, labels };
}

function headOf(features: number, rest: Pick<StoredHead, "positions" | "pooled">): StoredHead {
  const rng = new Rng(9);
  const data = (n: number) => Float32Array.from({ length: n }, () => rng.normal());
  return {
    ...{ ...rest, classes },
    weight: { dtype: "F32", shape: [3, features], data: data(3 * features) },
    bias: { dtype: "F32", shape: [3], data: data(3) },
  };
}

test("a bank's vote is the one of poa eval knn, of one image and of many", async () => {
  for (const network of [tinyEncoder(), tinySwin(), tinyResnet()]) {
    const bank = await bankOf(network);
    const edge = await loadEncoder(encoderBundle(network, { classifier: bank }));
    assert.equal(edge.classes, classes);
    const queries = (await extractFeatures(imageArray(asked), network)).features;
    const features = fromArray(bank.features.data as Float32Array, bank.features.shape);
    const votes = knnVote(queries, { features, labels }, { ks: [5], classes: 3 }).get(5)!;
    edge.classifyBatch(asked).forEach(({ index, name, scores }, i) => {
      close(scores, votes.slice(3 * i, 3 * i + 3), 2e-6, `image ${i}`); // batches of another size round otherwise
      assert.is(index, bestClasses(votes, 3)[i]);
      assert.is(name, classes[index]);
      assert.is(scores[index], Math.max(...scores));
    });
    const [single, inBatch] = [edge.classify(asked[3]), edge.classifyBatch(asked)[3]];
    assert.is(single.name, inBatch.name);
    close(single.scores, inBatch.scores, 2e-6, "alone");
    const { data, width, height } = asked[4];
    assert.equal(edge.classify(data, width, height), edge.classify(asked[4]));
    edge.dispose();
  }
});

test("a linear head answers as in the library, also where it reads several layers and the mean of patches", async () => {
  for (const [network, head] of [
    [tinyEncoder(), headOf(16, { positions: [1], pooled: false })],
    [tinyEncoder(), headOf(48, { positions: [0, 1], pooled: true })],
    [tinySwin(), headOf(128, { positions: [3], pooled: true })],
    [tinyResnet(), headOf(32 + 64 + 128, { positions: [1, 2, 3], pooled: false })],
  ] as const) {
    const edge = await loadEncoder(encoderBundle(network, { classifier: head }));
    const [weight, bias] = [head.weight, head.bias].map(({ data, shape }) => fromArray(data as Float32Array, shape));
    const recognizer = linearRecognizer(network, { ...head, weight, bias });
    const unchanged = {
      name: "as they are",
      apply: (images: Tensor) => fromArray(images.toArray(), images.shape),
    };
    const { predictions } = await recognize(imageArray(asked), recognizer, [unchanged]);
    const found = edge.classifyBatch(asked);
    assert.equal(
      found.map(({ index }) => index),
      [...predictions.get("as they are")!],
    );
    for (const { scores } of found) assert.ok(Math.abs(scores.reduce((sum, score) => sum + score, 0) - 1) < 1e-6);
    edge.dispose();
  }
});

test("after the first image no memory is taken, and at the end all of it is given back", async () => {
  const network = tinyEncoder();
  for (const classifier of [await bankOf(network), headOf(16, { positions: [1], pooled: false })]) {
    const before = memory().persistentBytes;
    const edge = await loadEncoder(encoderBundle(network, { classifier, dtype: "int8" }));
    edge.classifyBatch(asked);
    const first = memory();
    for (let i = 0; i < 5; i++) edge.classifyBatch(asked);
    assert.equal(memory(), first);
    edge.dispose();
    assert.is(memory().persistentBytes, before);
  }
});

test("a bundle without a classifier says how to get one; one of another network is refused", async () => {
  const network = tinyEncoder();
  const edge = await loadEncoder(encoderBundle(network));
  assert.equal(edge.classes, []);
  assert.throws(
    () => edge.classify(asked[0]),
    (error: Error) => error instanceof DataError && /--bank/.test(error.message),
  );
  edge.dispose();
  const bank = await bankOf(network);
  const foreign = { ...bank, features: { ...bank.features, shape: [24, 8] }, labels: new Int32Array(24) };
  const beyond = { ...bank, labels: Int32Array.from(labels, () => 3) };
  for (const [classifier, words] of [
    [foreign, "reads 8 features, its network has 16"],
    [beyond, "lacks a bank of features"],
    [headOf(20, { positions: [1], pooled: false }), "reads 20 features, its network has 16"],
    [headOf(16, { positions: [7], pooled: false }), "layers 7 are wanted"],
    [{ ...bank, k: 0 }, "holds no classifier"],
  ] as const) {
    const before = memory().persistentBytes;
    await loadEncoder(encoderBundle(network, { classifier })).then(
      () => assert.unreachable(words),
      (error) => {
        assert.instance(error, FormatError);
        assert.match((error as Error).message, words);
        assert.is(memory().persistentBytes, before);
      },
    );
  }
});
