import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { LayerNorm } from "../../src/nn/norm.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("a fresh layer makes rows of mean 0 and variance 1", async () => {
  await init();
  const norm = new LayerNorm(16);
  const y = step(() =>
    norm.forward(
      fromArray(
        numbers([2, 16], 1).map((value) => 5 * value + 3),
        [2, 16],
      ),
    ),
  );
  for (const row of [0, 1]) {
    const values = Array.from(y.select(0, row).toArray());
    const mean = values.reduce((a, b) => a + b, 0) / 16;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / 16;
    assert.ok(Math.abs(mean) < 1e-6 && Math.abs(variance - 1) < 1e-5, `${mean}, ${variance}`);
  }
});

test("the statistics of a slice are those of its channels, not of the full width", async () => {
  await initDouble();
  const norm = new LayerNorm(8, { eps: 0 });
  norm.weight.write([1, 2, 3, 4, 5, 6, 7, 8]);
  norm.bias.write(numbers([8], 2));
  const y = step(() => norm.slice(2).forward(fromArray([3, 5], [1, 2]))).toArray();
  const bias = norm.bias.toArray();
  assert.ok(Math.abs(y[0] - (-1 + bias[0])) < 1e-12 && Math.abs(y[1] - (2 + bias[1])) < 1e-12, `${y}`);
  assert.is(norm.slice(2).eps, 0);
});

test("a slice is differentiated into the first channels of the full gradient", async () => {
  await initDouble();
  const norm = new LayerNorm(6);
  norm.weight.write(numbers([6], 1));
  const x = leaf([3, 8], 2);
  gradcheck(() => norm.slice(4).forward(x.narrow(1, 0, 4)), [x, norm.weight, norm.bias]);
  step(() =>
    norm
      .slice(4)
      .forward(x.narrow(1, 0, 4))
      .backward(numbers([12], 3)),
  );
  for (const parameter of norm.parameters()) {
    const gradient = Array.from(gradientOf(parameter));
    assert.equal(gradient.slice(4), [0, 0]);
    assert.ok(gradient.slice(0, 4).every((value) => value !== 0));
  }
});
