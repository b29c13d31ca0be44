import * as assert from "uvu/assert";
import { DataError } from "../../src/errors.js";
import { drawShots, fewShotAccuracy, fewShotFigures } from "../../src/eval/few-shot.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const labels = Int32Array.from({ length: 90 }, (_, i) => (i * i) % 3);
const perClass = [0, 1, 2].map((c) => labels.filter((label) => label === c).length);

test("a draw holds so many examples of each class, each once, in ascending order", () => {
  const usable = labels.map((label) => (label === 2 ? 1 : label)); // squares are 0 or 1 modulo 3
  for (const n of [1, 5, 30]) {
    const rows = drawShots(usable, 2, n, 0);
    assert.is(rows.length, 2 * n);
    assert.equal(
      [...rows],
      [...new Set(rows)].sort((a, b) => a - b),
    );
    for (const c of [0, 1]) assert.is(rows.filter((i) => usable[i] === c).length, n);
  }
});

test("a draw is a function of labels and number alone, and draws differ", () => {
  const draw = (i: number) => [...drawShots(labels, 2, 5, i)].join();
  assert.is(draw(3), draw(3));
  assert.is(new Set(Array.from({ length: 10 }, (_, i) => draw(i))).size, 10);
});

test("every example is drawn sooner or later", () => {
  const seen = new Set<number>();
  for (let draw = 0; draw < 60; draw++) for (const row of drawShots(labels, 2, 10, draw)) seen.add(row);
  assert.is(seen.size, 90);
});

test("a class with too few examples is named with both counts", () => {
  refuses(() => drawShots(labels, 3, 1, 0), DataError, `class 2 has ${perClass[2]} examples, 1 are needed`);
  refuses(() => drawShots(labels, 2, 31, 0), DataError, "class 0 has 30 examples, 31 are needed");
});

/** Points on a circle, class 0 around 0 degrees and class 1 around `distance`. */
function circle(count: number, distance: number, spread: number) {
  const angles = Array.from({ length: count }, (_, i) => {
    const centre = i % 2 === 0 ? 0 : distance;
    return ((centre + spread * (((i * 37) % 100) / 50 - 1)) * Math.PI) / 180;
  });
  return {
    features: fromArray(
      angles.flatMap((a) => [Math.cos(a), Math.sin(a)]),
      [count, 2],
    ),
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  };
}

test("classes that lie apart are told apart from one example each, and no memory stays behind", () => {
  const [bank, queries] = [circle(40, 90, 20), circle(30, 90, 20)];
  const before = memory().persistentBytes;
  assert.is(fewShotAccuracy(queries, bank, { classes: 2, perClass: 1, draws: 3 }), 1);
  assert.is(memory().persistentBytes, before);
});

test("the accuracy is the mean over the draws", () => {
  const [bank, queries] = [circle(60, 30, 30), circle(50, 30, 30)];
  const mean = (draws: number) => fewShotAccuracy(queries, bank, { classes: 2, perClass: 1, draws });
  const four = mean(4);
  const sums = [1, 2, 3, 4].map((n) => n * mean(n));
  const single = sums.map((sum, i) => sum - (i > 0 ? sums[i - 1] : 0));
  assert.ok(new Set(single.map((x) => x.toFixed(6))).size > 1, "draws give different accuracies");
  assert.ok(single.every((x) => x >= 0 && x <= 1));
  assert.ok(Math.abs(single.reduce((a, b) => a + b, 0) / 4 - four) < 1e-9);
});

test("ten labels per class and ten draws are the default", () => {
  const [bank, queries] = [circle(60, 30, 30), circle(50, 30, 30)];
  assert.is(
    fewShotAccuracy(queries, bank, { classes: 2 }),
    fewShotAccuracy(queries, bank, { classes: 2, perClass: 10, draws: 10 }),
  );
});

test("figures for several numbers of neighbours have mean, deviation and extremes of the draws", () => {
  const [bank, queries] = [circle(60, 30, 30), circle(50, 30, 30)];
  const options = { classes: 2, perClass: 3, ks: [1, 5] };
  const { top1, top5 } = fewShotFigures(queries, bank, { ...options, draws: 4 });
  const means = [1, 2, 3, 4].map((draws) => draws * fewShotFigures(queries, bank, { ...options, draws }).top1[5].mean);
  const single = means.map((sum, i) => sum - (i > 0 ? means[i - 1] : 0));
  const mean = single.reduce((a, b) => a + b) / 4;
  const std = Math.sqrt(single.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3);
  assert.ok(std > 0, "draws give different accuracies");
  const expected = { mean, std, min: Math.min(...single), max: Math.max(...single) };
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(Math.abs(top1[5][name as keyof typeof expected] - value) < 1e-9, name);
  }
  assert.is(top1[1].mean, fewShotAccuracy(queries, bank, { ...options, draws: 4 }));
  assert.equal(top5[1], { mean: 1, std: 0, min: 1, max: 1 }, "two classes are always among five");
});
