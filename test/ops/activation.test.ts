import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError } from "../../src/errors.js";
import { gelu, relu } from "../../src/ops/activation.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("gelu is x times the share of the normal distribution below x", async () => {
  await init();
  const y = step(() => gelu(fromArray([0, 1, -1, 2, -2, 30], [2, 3])));
  assert.equal(y.shape, [2, 3]);
  // Φ(1) = 0.8413447460685429, Φ(2) = 0.9772498680518208
  const expected = [0, 0.8413447460685429, -0.15865525393145707, 1.9544997361036416, -0.0455002638963584, 30];
  for (const [i, value] of y.toArray().entries())
    assert.ok(Math.abs(value - expected[i]) < 4e-7, `entry ${i}: ${value}`);
});

test("gelu reads strided inputs and takes empty ones", async () => {
  await init();
  const x = fromArray([9, 20, 9, 30, 9, 40], [3, 2]);
  assert.equal([...step(() => gelu(x.select(1, 1))).toArray()], [20, 30, 40]);
  assert.equal(step(() => gelu(empty([0, 3]))).shape, [0, 3]);
});

test("the gradient of gelu is its derivative, also through a strided view", async () => {
  await initDouble();
  const x = leaf([3, 4], 1);
  gradcheck(() => gelu(x), [x]);
  gradcheck(() => gelu(x.narrow(1, 1, 2)), [x]);
  gradcheck(() => gelu(gelu(x)), [x]);
});

test("gelu refuses integers", async () => {
  await init();
  refuses(() => gelu(fromArray([1], [1], "i32")), DTypeError, "gelu: x is [1] i32, expected f32.");
});

test("relu keeps what is positive, reads strided inputs and takes empty ones", async () => {
  await init();
  const x = fromArray([9, -20, 9, 30, 9, 0], [3, 2]);
  assert.equal([...step(() => relu(x.select(1, 1))).toArray()], [0, 30, 0]);
  assert.equal(step(() => relu(empty([0, 3]))).shape, [0, 3]);
  refuses(() => relu(fromArray([1], [1], "i32")), DTypeError, "relu: x is [1] i32, expected f32.");
});

test("the gradient of relu is its derivative, also through a strided view", async () => {
  await initDouble();
  const x = leaf([3, 4], 1);
  gradcheck(() => relu(x), [x]);
  gradcheck(() => relu(x.narrow(1, 1, 2)), [x]);
});
