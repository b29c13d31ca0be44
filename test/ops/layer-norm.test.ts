import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { add } from "../../src/ops/elementwise.js";
import { layerNorm } from "../../src/ops/layer-norm.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const close = (actual: ArrayLike<number>, expected: readonly number[]) => {
  assert.is(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i] - value) < 1e-5, `entry ${i}: ${actual[i]}, expected ${value}`);
  }
};

test("rows come out with mean 0 and variance 1, then scaled and shifted", async () => {
  await init();
  const x = fromArray([1, 3, 10, 14], [2, 2]);
  const [weight, bias] = [fromArray([2, 3], [2]), fromArray([0.5, -0.5], [2])];
  close(step(() => layerNorm(x, weight, bias, { eps: 0 })).toArray(), [-1.5, 2.5, -1.5, 2.5]);
  // Variance 1 plus ε = 3 makes σ = 2; variance 4 plus 3 makes σ = √7.
  const s = 2 / Math.sqrt(7);
  close(step(() => layerNorm(x, weight, bias, { eps: 3 })).toArray(), [-0.5, 1, 0.5 - 2 * s, -0.5 + 3 * s]);
});

test("layer norm takes narrowed rows, narrowed parameters, one column and no row", async () => {
  await init();
  const x = fromArray([1, 3, 99, 10, 14, 99], [2, 3]);
  const ones = fromArray([1, 1, 1], [3]);
  const zeros = fromArray([0, 0, 0], [3]);
  const narrow = [ones.narrow(0, 0, 2), zeros.narrow(0, 0, 2)] as const;
  close(step(() => layerNorm(x.narrow(1, 0, 2), ...narrow, { eps: 0 })).toArray(), [-1, 1, -1, 1]);
  const [one, zero] = [fromArray([5], [1]), fromArray([7], [1])];
  close(step(() => layerNorm(fromArray([3, -8], [2, 1]), one, zero)).toArray(), [7, 7]);
  assert.equal(step(() => layerNorm(empty([0, 3]), ones, zeros)).shape, [0, 3]);
});

test("the gradients of layer norm are its derivatives", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([3, 2, 5], 1), leaf([5], 2), leaf([5], 3)];
  gradcheck(() => layerNorm(x, weight, bias), [x, weight, bias]);
  gradcheck(() => layerNorm(x, weight, bias, { eps: 0.5 }), [x, weight, bias]);
  gradcheck(() => add(layerNorm(x, weight, bias), layerNorm(x, weight, bias)), [x, weight, bias]);
});

test("the gradients of a slice land in the full tensors and leave the rest alone", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([4, 7], 1), leaf([7], 2), leaf([7], 3)];
  gradcheck(() => layerNorm(x.narrow(1, 2, 4), weight.narrow(0, 0, 4), bias.narrow(0, 0, 4)), [x, weight, bias]);
});

test("scale and shift need not both be trained, nor the input", async () => {
  await initDouble();
  const constants = [fromArray([0.5, 2, -1], [3]), fromArray([1, 0, 2], [3])];
  const [x, p] = [leaf([4, 3], 1), leaf([3], 2)];
  gradcheck(() => layerNorm(x, constants[0], constants[1]), [x]);
  gradcheck(() => layerNorm(x, p, constants[1]), [x, p]);
  gradcheck(() => layerNorm(x, constants[0], p), [x, p]);
  x.storage.tracked = false;
  gradcheck(() => layerNorm(x, p, constants[1]), [p]);
});

test("layer norm refuses what does not fit", async () => {
  await init();
  const [x, three, two] = [empty([2, 3]), empty([3]), empty([2])];
  refuses(() => layerNorm(x, two, three), ShapeError, "layerNorm: weight is [2], expected [3].");
  refuses(() => layerNorm(x, three, two), ShapeError, "layerNorm: bias is [2], expected [3].");
  refuses(() => layerNorm(empty([2, 3], "i32"), three, three), DTypeError, "layerNorm: x is [2, 3] i32, expected f32.");
  refuses(() => layerNorm(empty([2, 0]), empty([0]), empty([0])), ShapeError, "the rows of [2, 0] are empty");
  refuses(() => layerNorm(x, x.permute([1, 0]).select(1, 0), empty([3, 2]).select(1, 0)), ShapeError, "strided view");
});
