import * as assert from "uvu/assert";
import type { ImageSource } from "../../src/data/dataset.js";
import { range } from "../../src/data/dataset.js";
import { DataError } from "../../src/errors.js";
import { semiSupervised } from "../../src/eval/semi.js";
import { drawLabelled } from "../../src/eval/stratified.js";
import { init, memory } from "../../src/runtime/context.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const encoder = tinyEncoder();
const source = squareSource(100);
const sources = { train: range(source, 0, 70), test: range(source, 70, 100) };

test("squares on the left and on the right are told apart from few labels", async () => {
  const result = await semiSupervised(encoder, sources, { amount: { perClass: 8 }, draws: 3 });
  assert.ok(result.top1 > 0.8, `${result.top1}`);
  assert.equal(
    result.draws.map(({ labels }) => labels),
    [16, 16, 16],
  );
  const accuracies = result.draws.map(({ top1 }) => top1);
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / 3;
  assert.ok(Math.abs(result.top1 - mean) < 1e-12);
  const deviation = Math.sqrt(accuracies.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
  assert.ok(Math.abs(result.deviation! - deviation) < 1e-12);
  assert.ok(result.interval.low <= mean && mean <= result.interval.high);
  assert.is(result.test, 30);
});

test("more labels help, and a draw is a function of seed and number", async () => {
  const run = (amount: { perClass: number } | { share: number }, seed = 0) =>
    semiSupervised(encoder, sources, { amount, draws: 4, seed });
  const [few, many] = [await run({ perClass: 2 }), await run({ share: 1 })];
  assert.ok(many.top1 >= few.top1);
  assert.is(many.deviation, 0, "all labels are the same labels in every draw");
  assert.equal(await run({ perClass: 2 }), few);
});

test("only images whose labels are drawn are read", async () => {
  const read: number[] = [];
  const watched: ImageSource = {
    ...sources.train,
    read: (index) => {
      read.push(index);
      return sources.train.read(index);
    },
  };
  await semiSupervised(encoder, { ...sources, train: watched }, { amount: { perClass: 3 }, draws: 2, lambdas: [1] });
  const drawn = [0, 1].flatMap((draw) => [...drawLabelled(watched.labels!, { perClass: 3 }, { draw })]);
  assert.equal(
    read,
    [...new Set(drawn)].sort((a, b) => a - b),
  );
});

test("a broken image leaves its draw smaller", async () => {
  const [first] = drawLabelled(sources.train.labels!, { perClass: 5 });
  const broken: ImageSource = {
    ...sources.train,
    read: (index) =>
      index === first ? Promise.reject(new DataError(`image ${index}: is broken.`)) : sources.train.read(index),
  };
  const warnings: string[] = [];
  const { draws } = await semiSupervised(
    encoder,
    { ...sources, train: broken },
    {
      ...{ amount: { perClass: 5 }, draws: 1, lambdas: [1] },
      extraction: () => ({ onWarning: (message) => warnings.push(message) }),
    },
  );
  assert.is(draws[0].labels, 9);
  assert.is(warnings.length, 1);
});

test("memory is given back", async () => {
  const run = () => semiSupervised(encoder, sources, { amount: { perClass: 3 }, draws: 1, lambdas: [1] });
  await run();
  const before = memory().persistentBytes;
  await run();
  assert.is(memory().persistentBytes, before);
});
