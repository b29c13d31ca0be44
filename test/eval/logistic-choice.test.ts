import * as assert from "uvu/assert";
import { DataError } from "../../src/errors.js";
import { chooseLogistic, type LabelledRows, rightAnswers, takeRows } from "../../src/eval/logistic-choice.js";
import { fitLogistic } from "../../src/eval/logistic-regression.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** Rows around a centre for each class, with noise in more directions than there are rows. */
function noisyRows(count: number, seed: number, spread: number, dim = 12): LabelledRows {
  const noise = numbers([count, dim], seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const features = Float32Array.from(noise, (value, i) => {
    const own = i % dim === 0 ? (labels[Math.floor(i / dim)] === 0 ? -1 : 1) : 0;
    return own + spread * value;
  });
  return { features, labels };
}

test("the penalty that is chosen names most classes of left-out rows; the model is that of all rows", () => {
  const rows = noisyRows(40, 1, 3);
  const { model, classes, lambda } = chooseLogistic(rows, { lambdas: [1e-4, 20], folds: 4 });
  assert.equal(classes, [0, 1]);
  assert.is(lambda, 20, "with so much noise a strong penalty generalises better");
  const expected = fitLogistic(rows.features, rows.labels, { classes: 2, lambda: lambda / 40 });
  assert.equal([...model.weights], [...expected.weights]);
});

test("of equally good penalties the largest is chosen", () => {
  assert.is(chooseLogistic(noisyRows(20, 2, 0.1)).lambda, 1);
});

test("classes are those of the labels, also if some are not there", () => {
  const { features, labels } = noisyRows(20, 2, 0.1);
  const rows = { features, labels: labels.map((label) => (label === 0 ? 3 : 7)) };
  const chosen = chooseLogistic(rows, { lambdas: [0.1] });
  assert.equal(chosen.classes, [3, 7]);
  assert.equal([...rightAnswers(chosen, rows)], new Array(20).fill(1));
  assert.equal(
    [...rightAnswers(chosen, { ...rows, labels: rows.labels.map((label) => (label === 3 ? 7 : 5)) })],
    new Array(20).fill(0),
  );
});

test("one label of a class suffices for a single penalty, not for a choice", () => {
  const rows = takeRows(noisyRows(20, 2, 0.1), [0, 1, 2]);
  assert.is(chooseLogistic(rows, { lambdas: [0.1] }).lambda, 0.1);
  refuses(() => chooseLogistic(rows), DataError, "class 1 has one label");
});

test("rows are taken in the given order", () => {
  const rows = { features: Float32Array.of(1, 2, 3, 4, 5, 6), labels: Int32Array.of(7, 8, 9) };
  const { features, labels } = takeRows(rows, [2, 0]);
  assert.equal([...features], [5, 6, 1, 2]);
  assert.equal([...labels], [9, 7]);
});
