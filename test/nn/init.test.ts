import * as assert from "uvu/assert";
import { constant, linearBias, linearWeight, normal, truncatedNormal, uniform } from "../../src/nn/init.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { test } from "../support/test.js";

const N = 40_000;

function moments(x: Tensor) {
  const values = Array.from(x.toArray());
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, std, least: Math.min(...values), most: Math.max(...values) };
}

/** Mean and spread of N draws lie within five standard errors. */
function spreadsLike(x: Tensor, std: number): void {
  const found = moments(x);
  assert.ok(Math.abs(found.mean) < (5 * std) / Math.sqrt(N), `mean ${found.mean}`);
  assert.ok(Math.abs(found.std / std - 1) < 5 / Math.sqrt(2 * N), `std ${found.std}, expected ${std}`);
}

test("linear weights: the published start has std 0.02 whatever the width", async () => {
  await init();
  spreadsLike(linearWeight([200, 200], "official", new Rng(1)), 0.02);
  spreadsLike(linearWeight([2000, 20], "official", new Rng(2)), 0.02);
});

test("linear weights: fan_in has std 1/√fan_in, fan_in being the columns", async () => {
  await init();
  spreadsLike(linearWeight([400, 100], "fan_in", new Rng(1)), 0.1);
  spreadsLike(linearWeight([100, 400], "fan_in", new Rng(1)), 0.05);
});

test("the truncation is at ±2, not at two standard deviations", async () => {
  await init();
  const narrow = moments(truncatedNormal([N], 0.02, new Rng(1)));
  assert.ok(narrow.most > 0.06 && narrow.least < -0.06, "beyond three standard deviations");
  const wide = moments(truncatedNormal([N], 4, new Rng(1)));
  assert.ok(wide.most <= 2 && wide.least >= -2);
  assert.ok(wide.most > 1.99 && wide.least < -1.99);
});

test("normal, uniform and constant starts", async () => {
  await init();
  spreadsLike(normal([N], 3, new Rng(1)), 3);
  const even = uniform([N], 0.5, new Rng(1));
  const { mean, std, least, most } = moments(even);
  assert.ok(least >= -0.5 && least < -0.499 && most < 0.5 && most > 0.499);
  assert.ok(Math.abs(mean) < 0.01 && Math.abs(std - 0.5 / Math.sqrt(3)) < 0.005);
  assert.equal([...constant([3], 1e-5).toArray()], new Array(3).fill(Math.fround(1e-5)));
});

test("the same stream gives the same weights, another stream others, and all are trained", async () => {
  await init();
  const draw = (rng: Rng) => linearWeight([4, 4], "official", rng);
  const [a, same, other] = [new Rng(1, 2), new Rng(1, 2), new Rng(1, 3)].map((rng) => draw(rng));
  assert.equal(a.toArray(), same.toArray());
  assert.not.equal(a.toArray(), other.toArray());
  assert.ok(a.tracked);
});

test("a uniform start is within 1/√fan_in, biases too, which are zero in every other", async () => {
  await init();
  const shape = [400, 100];
  const [weight, bias] = [linearWeight, linearBias].map((start) => start(shape, "uniform", new Rng(1)));
  assert.equal([weight.shape, bias.shape], [shape, [400]]);
  for (const x of [weight, bias]) {
    const { least, most } = moments(x);
    assert.ok(least >= -0.1 && least < -0.098 && most <= 0.1 && most > 0.098, `${least} to ${most}`);
  }
  assert.not.equal(bias.toArray(), weight.toArray().slice(0, 400));
  for (const start of ["official", "fan_in"] as const)
    assert.ok(
      linearBias(shape, start, new Rng(1))
        .toArray()
        .every((value) => value === 0),
    );
});
