import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { drawBeta } from "../../src/tensor/beta.js";
import { Rng } from "../../src/tensor/random.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const DRAWS = 20_000;

for (const [a, b] of [
  [1, 1],
  [0.8, 0.8],
  [0.2, 0.5],
  [2, 5],
  [30, 10],
]) {
  test(`draws of Beta(${a}, ${b}) have its mean, variance and third moment`, () => {
    const rng = new Rng(7, 1);
    const draws = Float64Array.from({ length: DRAWS }, () => drawBeta(rng, a, b));
    const raw = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / DRAWS;
    // E x^n = Π (a + i) / (a + b + i)
    let expected = 1;
    for (let power = 1; power <= 3; power++) {
      expected *= (a + power - 1) / (a + b + power - 1);
      assert.ok(
        Math.abs(raw(power) - expected) < 4 / Math.sqrt(DRAWS) / 2,
        `moment ${power}: ${raw(power)} ${expected}`,
      );
    }
  });
}

test("draws of Beta(1, 1) are uniform: every tenth of the range gets its share", () => {
  const rng = new Rng(3);
  const counts = new Int32Array(10);
  for (let i = 0; i < DRAWS; i++) counts[Math.floor(10 * drawBeta(rng, 1, 1))]++;
  for (const count of counts) assert.ok(Math.abs(count - DRAWS / 10) < 5 * Math.sqrt(DRAWS / 10), String(count));
});

test("tiny parameters give numbers near 0 and 1, never something that is none", () => {
  const rng = new Rng(4);
  const draws = Array.from({ length: 200 }, () => drawBeta(rng, 1e-3, 1e-3));
  assert.ok(draws.every((x) => x >= 0 && x <= 1));
  assert.ok(draws.filter((x) => x < 1e-6 || x > 1 - 1e-6).length > 190);
});

test("draws depend on the stream alone", () => {
  assert.is(drawBeta(new Rng(5, 2), 0.8, 0.8), drawBeta(new Rng(5, 2), 0.8, 0.8));
  assert.is.not(drawBeta(new Rng(5, 2), 0.8, 0.8), drawBeta(new Rng(5, 3), 0.8, 0.8));
});

test("parameters that are not positive are refused", () => {
  refuses(() => drawBeta(new Rng(1), 0, 1), ConfigError, "0 and 1, expected two positive");
  refuses(() => drawBeta(new Rng(1), 1, Number.NaN), ConfigError, "NaN");
});
