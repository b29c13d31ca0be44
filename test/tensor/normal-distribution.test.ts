import * as assert from "uvu/assert";
import { normalCdf, normalQuantile } from "../../src/tensor/normal-distribution.js";
import { test } from "../support/test.js";

// Python 3: statistics.NormalDist().inv_cdf(p)
const QUANTILES: [number, number][] = [
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798405],
  [1e-10, -6.361340902404056],
  [0.001, -3.090232306167813],
  [0.074, -1.4466320671589785],
  [0.0751, -1.4388253927525398],
  [0.3, -0.5244005127080407],
  [0.5, 0],
  [0.999, 3.090232306167813],
  [1 - 1e-10, 6.361340889697421],
];

test("the normal quantile agrees with an independent evaluation to 1e-15", () => {
  for (const [p, x] of QUANTILES) assert.ok(Math.abs(normalQuantile(p) - x) <= 1e-15 * Math.abs(x), `${p}`);
});

test("the normal quantile is infinite at 0 and 1 and undefined outside", () => {
  assert.is(normalQuantile(0), Number.NEGATIVE_INFINITY);
  assert.is(normalQuantile(1), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(normalQuantile(1.1)));
  assert.ok(Number.isNaN(normalQuantile(Number.NaN)));
});

test("the distribution function inverts the quantile and is symmetric", () => {
  for (const x of [-5, -1.3, -0.2, 0, 0.7, 2.5]) {
    assert.ok(Math.abs(normalQuantile(normalCdf(x)) - x) <= 1e-9, `${x}`);
    assert.ok(Math.abs(normalCdf(x) + normalCdf(-x) - 1) <= 1e-15, `${x}`);
  }
  assert.is(normalCdf(-100), 0);
  assert.is(normalCdf(100), 1);
});
