import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import {
  KNN_TEMPERATURE,
  knnAccuracy,
  knnFigures,
  knnIntervals,
  knnVote,
  topAccuracy,
  topHits,
} from "../../src/eval/knn.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

/** Unit vectors of the plane at the given angles, as rows. */
function plane(...degrees: number[]) {
  const values = degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);
  return fromArray(values, [degrees.length, 2]);
}

const bank = { features: plane(0, 10, 20, 90, 180), labels: Int32Array.of(0, 1, 1, 2, 0) };

const close = (actual: ArrayLike<number>, expected: readonly number[], what = "") =>
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i] - value) < 1e-5, `${what}[${i}]: ${actual[i]}, expected ${value}`);
  });

test("weights are a softmax of the cosines over the largest k, summed per class for each k", () => {
  const weights = [5, 5, 15].map((angle) => Math.exp(Math.cos((angle * Math.PI) / 180) / KNN_TEMPERATURE));
  const total = weights[0] + weights[1] + weights[2];
  const votes = knnVote(plane(5), bank, { ks: [1, 2, 3], classes: 3 });
  close(votes.get(3)!, [weights[0] / total, (weights[1] + weights[2]) / total, 0], "k 3");
  close(votes.get(2)!, [weights[0] / total, weights[1] / total, 0], "k 2 is not normalised again");
  assert.is(votes.get(1)!.filter((score) => score > 0).length, 1);
});

test("a temperature can be chosen", () => {
  const votes = knnVote(plane(0), bank, { ks: [2], classes: 3, temperature: 1 });
  const ratio = votes.get(2)![0] / votes.get(2)![1];
  close([ratio], [Math.exp(1 - Math.cos(Math.PI / 18))]);
});

test("each query has its own row of scores", () => {
  const votes = knnVote(plane(90, 0, 180), bank, { ks: [1], classes: 3 }).get(1)!;
  assert.equal([...votes].map(Math.round), [0, 0, 1, 1, 0, 0, 1, 0, 0]);
});

test("numbers of neighbours above the bank count as the whole bank", () => {
  const votes = knnVote(plane(5), bank, { ks: [5, 200], classes: 3 });
  assert.equal([...votes.get(200)!], [...votes.get(5)!]);
  close([votes.get(5)!.reduce((sum, score) => sum + score, 0)], [1]);
});

test("the order of the requested numbers does not matter", () => {
  const [up, down] = [
    [1, 3, 2],
    [3, 2, 1],
  ].map((ks) => knnVote(plane(12, 100), bank, { ks, classes: 3 }));
  for (const k of [1, 2, 3]) assert.equal([...up.get(k)!], [...down.get(k)!]);
});

test("labels that do not fit the bank are refused", () => {
  refuses(
    () => knnVote(plane(5), { ...bank, labels: Int32Array.of(0) }, { ks: [1], classes: 3 }),
    ShapeError,
    "1 labels for a bank of [5, 2] features",
  );
});

test("accuracy is the share of queries whose class has the best score", () => {
  const queries = { features: plane(1, 15, 80, 170), labels: Int32Array.of(0, 1, 2, 2) };
  assert.equal(knnAccuracy(queries, bank, { ks: [1], classes: 3 }), { 1: 0.75 });
});

test("a class is right among n if fewer than n are better; equal scores go to the lower class", () => {
  const scores = Float32Array.of(0.2, 0.5, 0.3, /**/ 0.4, 0.4, 0.2, /**/ 0, 0, 1);
  const labels = Int32Array.of(2, 1, 2);
  assert.is(topAccuracy(scores, labels, 3), 1 / 3);
  assert.is(topAccuracy(scores, labels, 3, 2), 1);
  assert.is(topAccuracy(scores, Int32Array.of(1, 0, 0), 3), 2 / 3);
  assert.is(topAccuracy(scores, Int32Array.of(0, 2, 1), 3, 3), 1);
});

test("many queries vote as a plain loop says, and no memory stays behind", () => {
  const next = seeded(3);
  const rows = (n: number) =>
    fromArray(
      Array.from({ length: n }, () => {
        const row = Array.from({ length: 7 }, () => 2 * next() - 1);
        const norm = Math.hypot(...row);
        return row.map((x) => x / norm);
      }).flat(),
      [n, 7],
    );
  const [features, queries] = [rows(60), rows(33)];
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 4);
  const before = memory().persistentBytes;
  const votes = knnVote(queries, { features, labels }, { ks: [10, 20], classes: 4 });
  assert.is(memory().persistentBytes, before);
  const [q, f] = [queries.toArray(), features.toArray()];
  for (let i = 0; i < 33; i++) {
    const near = Array.from({ length: 60 }, (_, j) => {
      let dot = 0;
      for (let c = 0; c < 7; c++) dot += q[7 * i + c] * f[7 * j + c];
      return { dot, label: labels[j] };
    })
      .sort((a, b) => b.dot - a.dot)
      .slice(0, 20);
    const total = near.reduce((sum, { dot }) => sum + Math.exp(dot / 0.07), 0);
    for (const k of [10, 20]) {
      const expected = [0, 0, 0, 0];
      for (const { dot, label } of near.slice(0, k)) expected[label] += Math.exp(dot / 0.07) / total;
      close(votes.get(k)!.subarray(4 * i, 4 * i + 4), expected, `query ${i}, k ${k}`);
    }
  }
});

test("hits say of each query whether it is right, and accuracy is their mean", () => {
  const scores = Float32Array.of(0.2, 0.5, 0.3, /**/ 0.4, 0.4, 0.2, /**/ 0, 0, 1);
  const labels = Int32Array.of(2, 0, 2);
  assert.equal([...topHits(scores, labels, 3)], [0, 1, 1]);
  assert.equal([...topHits(scores, labels, 3, 2)], [1, 1, 1]);
  assert.is(topAccuracy(scores, labels, 3), 2 / 3);
});

test("figures are accuracies by the best and by the five best classes, with the hits behind the former", () => {
  const ring = { features: plane(0, 40, 80, 120, 160, 200, 240), labels: Int32Array.of(0, 1, 2, 3, 4, 5, 6) };
  const queries = { features: plane(1, 78, 1), labels: Int32Array.of(0, 1, 4) };
  const { top1, top5, hits } = knnFigures(queries, ring, { ks: [1, 7], classes: 7 });
  assert.equal(top1, { 1: 1 / 3, 7: 1 / 3 });
  assert.is(top5[7], 2 / 3, "160 degrees is the sixth nearest to 1 degree");
  assert.equal([...hits[7]], [1, 0, 0]);
  assert.equal(knnAccuracy(queries, ring, { ks: [1, 7], classes: 7 }), top1);
});

test("an interval holds the accuracy, and is wider for fewer queries", () => {
  const intervalOf = (count: number) => {
    const angles = Array.from({ length: count }, (_, i) => (i % 4 === 0 ? 90 : 10));
    const queries = { features: plane(...angles), labels: new Int32Array(count).fill(1) };
    const figures = knnFigures(queries, bank, { ks: [1], classes: 3 });
    assert.is(figures.top1[1], 0.75);
    return knnIntervals(figures)[1];
  };
  const [few, many] = [intervalOf(40), intervalOf(400)];
  assert.ok(few.low < many.low && many.low < 0.75 && 0.75 < many.high && many.high < few.high);
});

test("the temperature reaches the accuracy: a flat vote counts neighbours, a sharp one takes the nearest", () => {
  const queries = { features: plane(5), labels: Int32Array.of(1) };
  const near = { features: plane(5, 25, 28), labels: Int32Array.of(0, 1, 1) };
  const accuracy = (temperature: number) => knnAccuracy(queries, near, { ks: [3], classes: 2, temperature })[3];
  assert.equal([accuracy(0.01), accuracy(10)], [0, 1]);
});
