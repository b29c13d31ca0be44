import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { groupNorm } from "../../src/ops/group-norm.js";
import { layerNorm } from "../../src/ops/layer-norm.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray, full } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("each group of an image has mean zero and variance one before weight and bias", async () => {
  await init();
  // Two pixels of four channels in two groups: the first holds 1, 3, 5, 7, the second 0, 0, 4, 4.
  const x = fromArray([1, 3, 0, 0, 5, 7, 4, 4], [1, 1, 2, 4]);
  const [weight, bias] = [fromArray([1, 1, 10, 1], [4]), fromArray([0, 1, 0, 5], [4])];
  const sigma = Math.sqrt(5);
  const y = values(() => groupNorm(x, 2, weight, bias, { eps: 0 }));
  const expected = [-3 / sigma, -1 / sigma + 1, -10, 4, 1 / sigma, 3 / sigma + 1, 10, 6];
  expected.forEach((value, i) => {
    assert.ok(Math.abs(y[i] - value) < 1e-6, `entry ${i} is ${y[i]}, expected ${value}`);
  });
});

test("one pixel in one group is a row of layer norm", async () => {
  await init();
  const [x, weight, bias] = [leaf([5, 24], 1), leaf([24], 2), leaf([24], 3)];
  const rows = values(() => layerNorm(x, weight, bias, { eps: 1e-5 }));
  values(() => groupNorm(x, 1, weight, bias)).forEach((value, i) => {
    assert.ok(Math.abs(value - rows[i]) < 2e-6);
  });
});

test("a slice of leading channels with as many groups fewer equals the slice of the whole", async () => {
  await init();
  const [x, weight, bias] = [leaf([2, 3, 4, 12], 1), leaf([12], 2), leaf([12], 3)];
  const whole = step(() => groupNorm(x, 6, weight, bias).narrow(3, 0, 8).toArray());
  const part = values(() => groupNorm(x.narrow(3, 0, 8), 4, weight.narrow(0, 0, 8), bias.narrow(0, 0, 8)));
  assert.equal(part, [...whole]);
});

test("backward is the derivative, in x, weight and bias", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([3, 3, 4, 6], 1), leaf([6], 2), leaf([6], 3)];
  for (const groups of [1, 2, 3, 6]) gradcheck(() => groupNorm(x, groups, weight, bias), [x, weight, bias]);
});

test("backward of a slice is the derivative and zero outside the slice", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([2, 3, 2, 8], 1), leaf([8], 2), leaf([8], 3)];
  const part = (y: Tensor) => y.narrow(y.shape.length - 1, 2, 4);
  gradcheck(
    () => groupNorm(groupNorm(part(x), 2, part(weight), part(bias)), 4, part(weight), part(bias)),
    [x, weight, bias],
  );
});

test("a batch of none is normalised to none and leaves zero gradients", async () => {
  await init();
  const [x, weight, bias] = [leaf([0, 2, 2, 4], 1), leaf([4], 2), leaf([4], 3)];
  step(() => {
    const y = groupNorm(x, 2, weight, bias);
    assert.equal(y.shape, [0, 2, 2, 4]);
    y.backward([]);
  });
  assert.equal([...(weight.grad() ?? [])], [0, 0, 0, 0]);
});

test("equal numbers are normalised to the bias", async () => {
  await init();
  const y = values(() => groupNorm(full([1, 4, 4], 3), 2, full([4], 5), full([4], 0.25)));
  assert.equal(y, new Array(16).fill(0.25));
});

test("what does not fit is refused", async () => {
  await init();
  const [x, weight, bias] = [leaf([2, 3, 3, 6], 1), leaf([6], 2), leaf([6], 3)];
  refuses(() => groupNorm(x, 4, weight, bias), ConfigError, "groups is 4, expected a divisor of the 6 channels");
  refuses(() => groupNorm(x, 2, leaf([5], 2), bias), ShapeError, "weight is [5], expected [6]");
  refuses(() => groupNorm(leaf([6], 1), 2, weight, bias), ShapeError, "expected [B, …, C]");
  refuses(() => groupNorm(leaf([2, 0, 3, 6], 1), 2, weight, bias), ShapeError, "expected at least one pixel");
  refuses(
    () => groupNorm(leaf([2, 6, 3, 3], 1).permute([0, 2, 3, 1]), 2, weight, bias),
    ShapeError,
    "not evenly spaced",
  );
  refuses(() => groupNorm(empty([1, 6], "i32"), 2, weight, bias), DTypeError, "expected f32");
});
