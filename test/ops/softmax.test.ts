import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { add } from "../../src/ops/elementwise.js";
import { logSoftmax, softmax } from "../../src/ops/softmax.js";
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

const ln = Math.log;

test("softmax turns logits into shares and log-softmax into their logarithms", async () => {
  await init();
  const x = fromArray([0, ln(3), ln(4), 5, 5, 5], [2, 3]);
  close(step(() => softmax(x)).toArray(), [1 / 8, 3 / 8, 4 / 8, 1 / 3, 1 / 3, 1 / 3]);
  close(step(() => logSoftmax(x)).toArray(), [-ln(8), ln(3 / 8), ln(4 / 8), -ln(3), -ln(3), -ln(3)]);
});

test("the temperature divides the logits and the centre is taken off before", async () => {
  await init();
  const x = fromArray([10, 10 + ln(3) / 2], [2]);
  close(step(() => softmax(x, { temperature: 0.5 })).toArray(), [1 / 4, 3 / 4]);
  close(step(() => logSoftmax(x, { temperature: 0.5 })).toArray(), [-ln(4), ln(3 / 4)]);
  const center = fromArray([0, ln(3) / 2], [2]);
  close(step(() => softmax(x, { temperature: 0.5, center })).toArray(), [1 / 2, 1 / 2]);
});

test("softmax runs over the last axis of any shape, of views and of one column", async () => {
  await init();
  const x = fromArray([0, 0, 7, 1, 1, 7, 0, ln(3), 7, ln(3), 0, 7], [2, 2, 3]);
  const y = step(() => softmax(x.narrow(2, 0, 2)));
  assert.equal(y.shape, [2, 2, 2]);
  close(y.toArray(), [0.5, 0.5, 0.5, 0.5, 0.25, 0.75, 0.75, 0.25]);
  close(step(() => softmax(x.select(1, 1).narrow(1, 0, 2))).toArray(), [0.5, 0.5, 0.75, 0.25]);
  close(step(() => softmax(fromArray([3, -8], [2, 1]))).toArray(), [1, 1]);
  close(step(() => logSoftmax(fromArray([3, -8], [2, 1]))).toArray(), [0, 0]);
  assert.equal(step(() => softmax(empty([0, 4]))).shape, [0, 4]);
});

test("the gradients of softmax and log-softmax are their derivatives", async () => {
  await initDouble();
  const x = leaf([2, 3, 5], 1);
  const center = fromArray([0.3, -0.1, 0.2, 0, 0.5], [5]);
  gradcheck(() => softmax(x), [x]);
  gradcheck(() => softmax(x, { temperature: 0.2, center }), [x]);
  gradcheck(() => logSoftmax(x, { temperature: 0.7 }), [x]);
});

test("gradients reach a narrowed input through its strides and add up over two uses", async () => {
  await initDouble();
  const x = leaf([3, 6], 2);
  gradcheck(() => softmax(x.narrow(1, 1, 4)), [x]);
  gradcheck(() => logSoftmax(x.narrow(1, 2, 3)), [x]);
  gradcheck(() => add(softmax(x), logSoftmax(x)), [x]);
});

test("softmax refuses what it cannot read", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4], [2, 2]);
  for (const [name, op] of Object.entries({ softmax, logSoftmax })) {
    refuses(() => op(fromArray([1], [1], "i32")), DTypeError, `${name}: x is [1] i32, expected f32.`);
    refuses(
      () => op(x, { temperature: 0 }),
      ConfigError,
      `${name}: temperature is 0, expected a finite number above 0.`,
    );
    refuses(() => op(empty([3, 0])), ShapeError, `${name}: the rows of [3, 0] are empty`);
    refuses(() => op(x.permute([1, 0])), ShapeError, `${name}: the rows of [2, 2] with strides [1, 2]`);
  }
  refuses(() => softmax(x, { center: fromArray([1, 2, 3], [3]) }), ShapeError, "softmax: center is [3], expected [2].");
});
