import * as assert from "uvu/assert";
import { ConfigError, DataError, NumericError, ShapeError } from "../../src/errors.js";
import type { LogisticModel } from "../../src/eval/logistic-problem.js";
import { fitLogistic, predictLogistic } from "../../src/eval/logistic-regression.js";
import { close } from "../support/close.js";
import { numbers } from "../support/gradcheck.js";
import { jsonFixture } from "../support/json-fixture.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

interface Reference {
  readonly features: number[][];
  readonly labels: number[];
  readonly fits: { lambdaTimesN: number; weights: number[][]; intercepts: number[]; predictions: number[] }[];
}

const reference = jsonFixture<Reference>("logistic-regression.json");
const features = reference.features.flat();
const labels = Int32Array.from(reference.labels);
const n = labels.length;

for (const { lambdaTimesN, weights, intercepts, predictions } of reference.fits) {
  test(`weights and answers are those of scikit-learn with λ = ${lambdaTimesN}/n`, () => {
    const fit = fitLogistic(features, labels, { classes: 3, lambda: lambdaTimesN / n });
    close(fit.weights, weights.flat(), 1e-6, "weight");
    // An equal shift of all intercepts changes nothing.
    const centred = (b: ArrayLike<number>) => Array.from(b, (value) => value - (b[0] + b[1] + b[2]) / 3);
    close(centred(fit.intercepts), centred(intercepts), 1e-6, "intercept");
    assert.equal([...predictLogistic(fit, features)], predictions);
    assert.ok(fit.gradient <= 1e-10);
  });
}

/** The objective, written down plainly. */
function objective(
  { weights, intercepts }: LogisticModel,
  x: ArrayLike<number>,
  y: Int32Array,
  lambda: number,
): number {
  const dim = weights.length / intercepts.length;
  let sum = 0;
  y.forEach((label, i) => {
    const scores = [...intercepts].map((b, c) => {
      let score = b;
      for (let f = 0; f < dim; f++) score += weights[c * dim + f] * x[i * dim + f];
      return score;
    });
    sum += Math.log(scores.reduce((total, score) => total + Math.exp(score), 0)) - scores[label];
  });
  return sum / y.length + (lambda / 2) * weights.reduce((total, w) => total + w * w, 0);
}

test("no step away from the result lowers the objective", () => {
  const x = numbers([30, 4], 3);
  const y = Int32Array.from({ length: 30 }, (_, i) => (7 * i) % 4);
  const lambda = 0.02;
  const fit = fitLogistic(x, y, { classes: 4, lambda });
  const lowest = objective(fit, x, y, lambda);
  for (let i = 0; i < fit.weights.length; i++) {
    for (const change of [-1e-3, 1e-3]) {
      const weights = fit.weights.slice();
      weights[i] += change;
      const rise = objective({ ...fit, weights }, x, y, lambda) - lowest;
      assert.ok(rise > 0.4 * lambda * change ** 2, `weight ${i}: ${rise}`);
    }
  }
});

test("the result does not depend on where it starts, and a start at the minimum takes no step", () => {
  const options = { classes: 3, lambda: 0.1 / n };
  const cold = fitLogistic(features, labels, options);
  const warm = fitLogistic(features, labels, {
    ...options,
    start: fitLogistic(features, labels, { ...options, lambda: 1 }),
  });
  close(warm.weights, cold.weights, 1e-6);
  assert.is(fitLogistic(features, labels, { ...options, start: cold }).newtonSteps, 0);
});

test("separable classes with a small penalty have a minimum, which is found", () => {
  const x = Float64Array.from({ length: 40 }, (_, i) => (i < 20 ? -1 - i / 20 : 1 + i / 20));
  const y = Int32Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : 1));
  const fit = fitLogistic(x, y, { classes: 2, lambda: 1e-7 });
  assert.equal([...predictLogistic(fit, x)], [...y]);
  assert.ok(Math.abs(fit.weights[1]) > 3);
});

test("with one feature that says nothing only the frequencies count", () => {
  const y = Int32Array.of(0, 0, 0, 1);
  const { weights, intercepts } = fitLogistic([0, 0, 0, 0], y, { classes: 2, lambda: 1 });
  assert.equal([...weights], [0, 0]);
  close([intercepts[0] - intercepts[1]], [Math.log(3)], 1e-9);
});

test("equal calls give equal bits", () => {
  const fit = () => fitLogistic(features, labels, { classes: 3, lambda: 0.01 / n });
  assert.equal(fit(), fit());
});

test("what has no minimum is refused", () => {
  refuses(() => fitLogistic([1, 2, 3], Int32Array.of(0, 1), { classes: 2, lambda: 1 }), ShapeError, "no features of 2");
  refuses(() => fitLogistic([1, 2], Int32Array.of(0, 2), { classes: 2, lambda: 1 }), ShapeError, "label 2 is outside");
  refuses(
    () => fitLogistic([1, 2], Int32Array.of(0, 0), { classes: 2, lambda: 1 }),
    DataError,
    "class 1 has no example",
  );
  refuses(() => fitLogistic([1, 2], Int32Array.of(0, 1), { classes: 2, lambda: 0 }), ConfigError, "λ is 0");
  const nan = () => fitLogistic([1, Number.NaN], Int32Array.of(0, 1), { classes: 2, lambda: 1 });
  refuses(nan, NumericError, "no minimum found for λ = 1");
});
