import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { type ClassTargets, dinoGlobal, dinoLocal } from "../../src/poa/losses/dino.js";
import { distill } from "../../src/poa/losses/distill.js";
import { koleo } from "../../src/poa/losses/koleo.js";
import { maskedPatches } from "../../src/poa/losses/patch.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const K = 5;
const rows = (x: Tensor) => {
  const values = Array.from(x.toArray());
  return Array.from({ length: x.shape[0] }, (_, i) => values.slice(i * x.shape[1], (i + 1) * x.shape[1]));
};
const softmax = (row: number[], temperature: number) => {
  const e = row.map((value) => Math.exp(value / temperature));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / total);
};
/** CE(t, s) of spec §4: −Σ t_k · log softmax(s/0.1)_k. */
const ce = (target: number[], logits: number[]) =>
  -softmax(logits, 0.1).reduce((sum, p, k) => sum + target[k] * Math.log(p), 0);
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** Rows that sum to 1. */
function targetsOf(count: number, seed: number): Tensor {
  const values = rows(leaf([count, K], seed)).map((row) => softmax(row, 0.3));
  return fromArray(values.flat(), [count, K]);
}

function classTargets(images: number): ClassTargets {
  const swapped = targetsOf(2 * images, 9);
  const [second, first] = [rows(swapped).slice(0, images), rows(swapped).slice(images)];
  return {
    swapped,
    summed: fromArray(
      second.flatMap((row, i) => row.map((value, k) => value + first[i][k])),
      [images, K],
    ),
  };
}

function isClose(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12 * Math.max(1, Math.abs(expected)), `${actual}, expected ${expected}`);
}

test("local crops: every crop against both teacher views, divided by the number of pairs", async () => {
  await initDouble();
  const [images, crops] = [2, 3];
  const student = leaf([crops * images, K], 1);
  const targets = classTargets(images);
  const t = rows(targets.swapped);
  const s = rows(student);
  let expected = 0;
  for (let c = 0; c < crops; c++)
    for (const view of [0, 1]) {
      const mean = sum([0, 1].map((b) => ce(t[view * images + b], s[c * images + b]))) / images;
      expected += mean / (2 + 2 * crops);
    }
  isClose(
    step(() => dinoLocal(student, targets).item()),
    expected,
  );
  gradcheck(() => dinoLocal(student, targets), [student]);
});

test("global crops: each against the other crop's teacher, weighed as two of the pairs", async () => {
  await initDouble();
  const student = leaf([4, K], 1);
  const targets = classTargets(2);
  const [t, s] = [rows(targets.swapped), rows(student)];
  for (const crops of [0, 8]) {
    const expected = (2 * sum(s.map((row, i) => ce(t[i], row)))) / 4 / (2 + 2 * crops);
    isClose(
      step(() => dinoGlobal(student, targets, crops).item()),
      expected,
    );
  }
  gradcheck(() => dinoGlobal(student, targets, 8), [student]);
});

test("masked patches: weighted by 1/masked patches of the image, divided by all crops", async () => {
  await initDouble();
  const student = leaf([3, K], 1);
  const targets = targetsOf(3, 2);
  const weights = [0.5, 0.5, 1];
  const [t, s] = [rows(targets), rows(student)];
  const expected = sum(s.map((row, i) => weights[i] * ce(t[i], row))) / 8;
  const loss = () => maskedPatches(student, targets, fromArray(weights, [3]), 8);
  isClose(
    step(() => loss().item()),
    expected,
  );
  gradcheck(loss, [student]);
});

test("distillation: the intact student's softmax at its own temperature teaches, without a gradient of its own", async () => {
  await initDouble();
  const [elastic, intact] = [leaf([4, K], 1), leaf([4, K], 2)];
  const expected = sum(rows(elastic).map((row, i) => ce(softmax(rows(intact)[i], 0.1), row))) / 4;
  isClose(
    step(() => distill(elastic, intact).item()),
    expected,
  );
  gradcheck(() => distill(elastic, intact), [elastic]);
  step(() => distill(elastic, intact).backward());
  assert.is(intact.grad(), null);
});

test("distillation is least, the teacher's entropy, where the two agree", async () => {
  await initDouble();
  const intact = leaf([2, K], 1);
  const same = leaf([2, K], 1);
  const entropy = sum(rows(intact).map((row) => ce(softmax(row, 0.1), row))) / 2;
  isClose(
    step(() => distill(same, intact).item()),
    entropy,
  );
  step(() => distill(same, intact).backward());
  for (const value of same.grad()!) assert.ok(Math.abs(value) < 1e-12);
});

test("koleo: minus the mean log distance of unit features to their nearest neighbours", async () => {
  await initDouble();
  const features = leaf([6, 3], 4);
  const z = rows(features).map((row) => row.map((value) => value / Math.hypot(...row)));
  const dot = (a: number[], b: number[]) => sum(a.map((value, i) => value * b[i]));
  const terms = z.map((row, i) => {
    const nearest = z.reduce(
      (best, other, j) => (j !== i && (best < 0 || dot(row, other) > dot(row, z[best])) ? j : best),
      -1,
    );
    return -Math.log(Math.hypot(...row.map((value, k) => value - z[nearest][k] + 1e-8)) + 1e-8);
  });
  isClose(
    step(() => koleo(features).item()),
    sum(terms) / 6,
  );
  gradcheck(() => koleo(features), [features]);
});

test("koleo does not depend on the length of a feature, and stays finite for equal ones", async () => {
  await initDouble();
  const features = leaf([4, 3], 4);
  const before = step(() => koleo(features).item());
  features.write(rows(features).flatMap((row, i) => row.map((value) => (1 + i) * value)));
  isClose(
    step(() => koleo(features).item()),
    before,
  );
  const equal = fromArray([1, 2, 1, 2, 1, 2], [3, 2]);
  assert.ok(Number.isFinite(step(() => koleo(equal).item())));
});
