import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { add } from "../../src/ops/elementwise.js";
import { l2Normalize, weightNorm } from "../../src/ops/normalize.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const close = (actual: ArrayLike<number>, expected: readonly number[]) => {
  assert.is(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i] - value) < 1e-6, `entry ${i}: ${actual[i]}, expected ${value}`);
  }
};

test("rows come out with length 1, short rows divided by eps", async () => {
  await init();
  const x = fromArray([3, 4, 0, 0, 0, -0.5], [3, 2]);
  close(step(() => l2Normalize(x)).toArray(), [0.6, 0.8, 0, 0, 0, -1]);
  close(step(() => l2Normalize(x, { eps: 2 })).toArray(), [0.6, 0.8, 0, 0, 0, -0.25]);
});

test("l2 normalisation takes selected rows, one column and no row", async () => {
  await init();
  const x = fromArray([3, 4, 9, 9, 0, 5, 9, 9], [2, 2, 2]);
  close(step(() => l2Normalize(x.select(1, 0))).toArray(), [0.6, 0.8, 0, 1]);
  close(step(() => l2Normalize(fromArray([3, -8], [2, 1]))).toArray(), [1, -1]);
  assert.equal(step(() => l2Normalize(empty([0, 4]))).shape, [0, 4]);
});

test("the gradient of l2 normalisation is its derivative on both sides of eps", async () => {
  await initDouble();
  const x = leaf([2, 3, 4], 1);
  gradcheck(() => l2Normalize(x), [x]);
  gradcheck(() => l2Normalize(x, { eps: 50 }), [x]);
  gradcheck(() => l2Normalize(x.narrow(2, 1, 2)), [x]);
  gradcheck(() => add(l2Normalize(x), l2Normalize(x)), [x]);
});

test("weight norm gives each direction its length", async () => {
  await init();
  const v = fromArray([3, 4, 0, 0.1], [2, 2]);
  close(step(() => weightNorm(v, fromArray([10, -2], [2]))).toArray(), [6, 8, 0, -2]);
  close(step(() => weightNorm(v, fromArray([10, -2], [2, 1]))).toArray(), [6, 8, 0, -2]);
  close(step(() => weightNorm(v.narrow(0, 1, 1), fromArray([5], [1]))).toArray(), [0, 5]);
  close(step(() => weightNorm(fromArray([3, -8], [2, 1]), fromArray([2, 5], [2]))).toArray(), [2, -5]);
});

test("the gradients of weight norm are its derivatives, for either parameter alone too", async () => {
  await initDouble();
  const [v, g] = [leaf([5, 4], 1), leaf([5, 1], 2)];
  gradcheck(() => weightNorm(v, g), [v, g]);
  gradcheck(() => weightNorm(v.narrow(0, 1, 3), g.narrow(0, 1, 3)), [v, g]);
  gradcheck(() => add(weightNorm(v, g), weightNorm(v, g)), [v, g]);
  gradcheck(() => weightNorm(v, fromArray([1, 2, 3, 4, 5], [5])), [v]);
  v.storage.tracked = false;
  gradcheck(() => weightNorm(v, g), [g]);
});

test("normalisations refuse what does not fit", async () => {
  await init();
  const x = empty([2, 3]);
  refuses(() => l2Normalize(x, { eps: 0 }), ConfigError, "l2Normalize: eps is 0, expected a number above 0.");
  refuses(() => l2Normalize(empty([2, 3], "i32")), DTypeError, "l2Normalize: x is [2, 3] i32, expected f32.");
  refuses(() => l2Normalize(empty([2, 0])), ShapeError, "l2Normalize: the rows of [2, 0] are empty");
  refuses(() => l2Normalize(x.permute([1, 0])), ShapeError, "l2Normalize: the rows of [3, 2] with strides [1, 3]");
  refuses(() => weightNorm(x, empty([3])), ShapeError, "weightNorm: v is [2, 3] and g [3], expected [R, C]");
  refuses(() => weightNorm(empty([6]), empty([6])), ShapeError, "weightNorm: v is [6]");
  refuses(
    () => weightNorm(empty([2, 4]).narrow(1, 0, 3), empty([2])),
    ShapeError,
    "weightNorm: v [2, 3] is a strided view",
  );
  refuses(() => weightNorm(x, empty([2], "i32")), DTypeError, "weightNorm: g is [2] i32, expected f32.");
});
