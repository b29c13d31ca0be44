import * as assert from "uvu/assert";
import { DataError } from "../../src/errors.js";
import { classFeatures, extractFeatures } from "../../src/eval/features.js";
import { knnFigures } from "../../src/eval/knn.js";
import { occlusion, shuffle } from "../../src/eval/perturbation.js";
import { knnClassifier, type Recognizer, recognize } from "../../src/eval/robustness.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray, keep } from "../../src/tensor/create.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const unchanged = { name: "unchanged", apply: keep };
const bank = await extractFeatures(squareSource(40), encoder);
const recognizer: Recognizer = {
  form: encoder.spec,
  featuresOf: (images) => classFeatures(encoder, images),
  classifier: knnClassifier(bank, { k: 3, classes: 2 }),
};

test("the best class of the vote is predicted, the lower one of two equal ones", () => {
  const corners = { features: fromArray([1, 0, 0, 1, -1, 0], [3, 2]), labels: Int32Array.of(2, 0, 1) };
  const { predict } = knnClassifier(corners, { k: 1, classes: 3 });
  assert.equal([...predict(fromArray([1, 0, 0, 1, -0.8, 0.6], [3, 2]))], [2, 0, 1]);
  const even = knnClassifier(corners, { k: 2, classes: 3 });
  assert.equal([...even.predict(fromArray([0, 1], [1, 2]))], [0]);
});

test("on unchanged images the share of right answers is the k-NN accuracy", async () => {
  const queries = squareSource(70);
  const { predictions, indices } = await recognize(queries, recognizer, [
    unchanged,
    occlusion(0, { rows: 4, cols: 4 }, 0),
  ]);
  const asked = await extractFeatures(queries, encoder);
  const { hits } = knnFigures(asked, bank, { ks: [3], classes: 2 });
  asked.features.dispose();
  assert.equal(
    [...predictions.get("unchanged")!].map((label, i) => +(label === queries.labels![i])),
    [...hits[3]],
  );
  assert.equal(predictions.get("0"), predictions.get("unchanged"), "nothing dropped is nothing changed");
  assert.equal(
    [...indices],
    Array.from({ length: 70 }, (_, i) => i),
  );
});

test("every change is seen apart from the others, whatever stands beside it", async () => {
  const changes = [occlusion(80, { rows: 4, cols: 4 }, 0), shuffle({ rows: 4, cols: 4 }, 0), unchanged];
  const together = await recognize(squareSource(66), recognizer, changes);
  for (const change of changes) {
    const alone = await recognize(squareSource(66), recognizer, [change]);
    assert.equal(alone.predictions.get(change.name), together.predictions.get(change.name), change.name);
  }
  const distinct = new Set([...together.predictions.values()].map((classes) => classes.join()));
  assert.ok(distinct.size > 1, "changes are seen at all");
});

test("broken images are left out, and no memory stays behind", async () => {
  const source = squareSource(5);
  const broken = {
    ...source,
    read: (i: number) => (i === 1 ? Promise.reject(new DataError("image 1: is broken.")) : source.read(i)),
  };
  const before = memory().persistentBytes;
  const { indices, predictions } = await recognize(broken, recognizer, [unchanged]);
  assert.equal([[...indices], predictions.get("unchanged")!.length], [[0, 2, 3, 4], 4]);
  assert.is(memory().persistentBytes, before);
});
