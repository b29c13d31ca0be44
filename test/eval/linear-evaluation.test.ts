import * as assert from "uvu/assert";
import { range } from "../../src/data/dataset.js";
import { imageArray } from "../../src/data/image-array.js";
import { DataError } from "../../src/errors.js";
import { LinearEvaluation, type LinearOptions, type LinearSources } from "../../src/eval/linear-evaluation.js";
import { init, memory } from "../../src/runtime/context.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const encoder = tinyEncoder();
const source = squareSource(80);
const sources: LinearSources = {
  ...{ fit: range(source, 0, 40), selection: range(source, 40, 60), test: range(source, 60, 80) },
};
const plan = { batchSize: 8, iterations: 40, learningRates: [1e-6, 0.5, 5] };

async function evaluate(from: LinearSources, options: Partial<LinearOptions> = {}) {
  const evaluation = await LinearEvaluation.prepare(encoder, from, { ...plan, ...options });
  assert.is(await evaluation.train(), true);
  const result = evaluation.judge();
  evaluation.dispose();
  return result;
}

/** Red squares and blue ones: what crops and mirrors do not hide. */
function colourSources(): LinearSources {
  const images = Array.from({ length: 80 }, (_, i) => {
    const image = squareImage(i, { label: 0 });
    return { ...image, data: image.data.map((value, at) => (at % 3 === (i % 2 === 0 ? 0 : 2) ? value : 0)) };
  });
  const colours = imageArray(images, { labels: images.map((_, i) => i % 2), classes: ["red", "blue"] });
  return { fit: range(colours, 0, 40), selection: range(colours, 40, 60), test: range(colours, 60, 80) };
}

for (const cached of [true, false]) {
  test(`colours are told apart, features ${cached ? "cached" : "fresh"}`, async () => {
    const { chosen, classifiers, interval, images } = await evaluate(colourSources(), { cached });
    assert.ok(chosen.top1 >= 0.9, `${chosen.top1}`);
    assert.ok(chosen.learningRate > 1e-6);
    assert.ok(interval.low <= chosen.top1 && chosen.top1 <= interval.high);
    assert.is(classifiers.length, 12);
    assert.equal(images, { selection: 20, test: 20 });
  });
}

test("the classifier that counts is the first of the best on the images to choose on, whatever the test images say", async () => {
  const flipped = imageArray(
    Array.from({ length: 20 }, (_, i) => squareImage(i)),
    { labels: Array.from({ length: 20 }, (_, i) => (i + 1) % 2), classes: source.classes },
  );
  const { chosen, classifiers } = await evaluate({ ...sources, test: flipped }, { cached: true });
  const best = Math.max(...classifiers.map(({ selectionTop1 }) => selectionTop1!));
  const first = classifiers.find(({ selectionTop1 }) => selectionTop1 === best)!;
  const { layers, pooled, learningRate, selectionTop1, top1 } = chosen;
  assert.equal({ layers, pooled, learningRate, selectionTop1, top1 }, first);
  assert.ok(
    Math.max(...classifiers.map((score) => score.top1)) > chosen.top1,
    "others are better on these test images",
  );
});

test("without images to choose on the test images decide", async () => {
  const { chosen, classifiers, images } = await evaluate({ ...sources, selection: null }, { cached: true });
  assert.is(chosen.top1, Math.max(...classifiers.map(({ top1 }) => top1)));
  assert.ok(classifiers.every(({ selectionTop1 }) => selectionTop1 === null));
  assert.is(images.selection, 0);
});

test("the chosen classifier is given with its numbers", async () => {
  const { chosen } = await evaluate(sources, { cached: true });
  assert.equal(chosen.positions, [0, 1]);
  const columns = 16 * (chosen.layers + (chosen.pooled ? 1 : 0));
  assert.equal([chosen.weight.length, chosen.bias.length], [2 * columns, 2]);
});

test("images without labels are refused", async () => {
  const plain = imageArray([squareImage(0)]);
  try {
    await evaluate({ ...sources, test: plain });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /has no labels/);
  }
});

test("memory is given back", async () => {
  await evaluate(sources, { cached: true });
  const before = memory().persistentBytes;
  await evaluate(sources, { cached: true });
  await evaluate(sources, { cached: false });
  assert.is(memory().persistentBytes, before);
});
