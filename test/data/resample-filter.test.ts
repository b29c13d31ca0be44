import * as assert from "uvu/assert";
import { resampleTable } from "../../src/data/resample-filter.js";
import { test } from "../support/test.js";

const rows = ({ taps, bounds, weights }: ReturnType<typeof resampleTable>) =>
  Array.from({ length: bounds.length / 2 }, (_, i) => ({
    first: bounds[2 * i],
    weights: Array.from(weights.slice(i * taps, i * taps + bounds[2 * i + 1])),
  }));

test("weights of every output pixel sum to one", () => {
  for (const [input, output] of [
    [5, 16],
    [100, 7],
    [3, 3],
    [1, 9],
  ])
    for (const filter of ["bicubic", "bilinear"] as const)
      for (const { weights } of rows(resampleTable(input, output, { filter }))) {
        const sum = weights.reduce((total, weight) => total + weight, 0);
        assert.ok(Math.abs(sum - 2 ** 22) <= weights.length, `${input} to ${output}, ${filter}: ${sum}`);
      }
});

test("a resize to the same size keeps each pixel", () => {
  rows(resampleTable(6, 6)).forEach(({ first, weights }, i) => {
    weights.forEach((weight, t) => {
      assert.is(weight, first + t === i ? 2 ** 22 : 0, `pixel ${i}`);
    });
  });
});

test("doubling by the triangle takes quarters and three quarters, cut at the border", () => {
  const [quarter, whole] = [2 ** 20, 2 ** 22];
  assert.equal(rows(resampleTable(2, 4, { filter: "bilinear" })), [
    { first: 0, weights: [whole] },
    { first: 0, weights: [3 * quarter, quarter] },
    { first: 0, weights: [quarter, 3 * quarter] },
    { first: 1, weights: [whole] },
  ]);
});

test("halving by the triangle widens it over four pixels", () => {
  const [, second] = rows(resampleTable(6, 3, { filter: "bilinear" }));
  assert.is(second.first, 1);
  assert.equal(
    second.weights,
    [1 / 8, 3 / 8, 3 / 8, 1 / 8].map((share) => share * 2 ** 22),
  );
});

test("a flipped table is the table in reverse order", () => {
  assert.equal(rows(resampleTable(13, 8, { flip: true })), rows(resampleTable(13, 8)).reverse());
});

test("resampling refuses sizes that are not positive whole numbers", () => {
  assert.throws(() => resampleTable(0, 4), /cannot make 4 pixels of 0/);
  assert.throws(() => resampleTable(4, 2.5), /cannot make 2.5 pixels of 4/);
});
