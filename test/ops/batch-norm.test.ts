import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { batchNorm } from "../../src/ops/batch-norm.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray, full } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const fresh = (channels: number) => ({ mean: full([channels], 0), variance: full([channels], 1) });

/** Statistics that no batch of the tests has. */
const some = (channels: number) => ({
  mean: fromArray(
    Float64Array.from({ length: channels }, (_, c) => Math.sin(c)),
    [channels],
  ),
  variance: fromArray(
    Float64Array.from({ length: channels }, (_, c) => 0.5 + c / 3),
    [channels],
  ),
});

test("in training a channel has mean zero and variance one, and the running statistics move a tenth of the way", async () => {
  await init();
  const x = fromArray([1, 10, 3, 10, 5, 10, 7, 14], [2, 1, 2, 2]);
  const running = fresh(2);
  const [weight, bias] = [fromArray([1, 2], [2]), fromArray([0, 1], [2])];
  const y = step(() => batchNorm(x, weight, bias, running, { training: true, eps: 0 }).toArray());
  const [a, b] = [Math.sqrt(5), Math.sqrt(3)];
  close(y, [-3 / a, 1 - 2 / b, -1 / a, 1 - 2 / b, 1 / a, 1 - 2 / b, 3 / a, 1 + 6 / b], 1e-6);
  // Variances 5 and 3 of divisor 4 are 20/3 and 4 of divisor 3.
  close(running.mean.toArray(), [0.4, 1.1], 1e-6);
  close(running.variance.toArray(), [0.9 + 2 / 3, 0.9 + 0.4], 1e-6);
});

test("outside training the running statistics are used and stay as they are", async () => {
  await init();
  const running = { mean: fromArray([1, 2], [2]), variance: fromArray([4, 9], [2]) };
  const x = fromArray([3, 5, -1, 2], [2, 2]);
  const y = step(() => batchNorm(x, full([2], 1), full([2], 0), running, { eps: 0 }).toArray());
  close(y, [1, 1, -1, 0], 1e-6);
  assert.equal([...running.mean.toArray(), ...running.variance.toArray()], [1, 2, 4, 9]);
});

test("the running statistics move by the momentum given, those of a slice in the full ones", async () => {
  await init();
  const running = fresh(3);
  const part = { mean: running.mean.narrow(0, 0, 1), variance: running.variance.narrow(0, 0, 1) };
  const x = fromArray([1, 9, 9, 3, 9, 9], [2, 3]).narrow(1, 0, 1);
  step(() => batchNorm(x, full([1], 1), full([1], 0), part, { training: true, momentum: 0.5 }));
  assert.equal([...running.mean.toArray()], [1, 0, 0]);
  assert.equal([...running.variance.toArray()], [1.5, 1, 1]);
});

for (const training of [true, false]) {
  const mode = training ? "training" : "evaluation";

  test(`backward in ${mode} is the derivative, in x, weight and bias`, async () => {
    await initDouble();
    const [x, weight, bias] = [leaf([3, 3, 4, 5], 1), leaf([5], 2), leaf([5], 3)];
    gradcheck(() => batchNorm(x, weight, bias, some(5), { training }), [x, weight, bias]);
    const rows = leaf([300, 2], 4);
    const [w, b] = [weight.narrow(0, 1, 2), bias.narrow(0, 3, 2)];
    gradcheck(() => batchNorm(rows, w, b, some(2), { training }), [rows, weight, bias], { samples: 20 });
  });

  test(`backward in ${mode} of a slice is the derivative and zero outside the slice`, async () => {
    await initDouble();
    const [x, weight, bias] = [leaf([2, 3, 2, 8], 1), leaf([8], 2), leaf([8], 3)];
    const part = (y: Tensor) => y.narrow(y.shape.length - 1, 2, 4);
    const norm = (y: Tensor) => batchNorm(y, part(weight), part(bias), some(4), { training });
    gradcheck(() => norm(norm(part(x))), [x, weight, bias]);
  });
}

test("the backward pass finds the statistics of its forward pass though they have moved since", async () => {
  await init();
  const [x, weight, bias] = [leaf([4, 2], 1), leaf([2], 2), leaf([2], 3)];
  const gradient = (move: boolean) => {
    const running = some(2);
    step(() => {
      const y = batchNorm(x, weight, bias, running);
      if (move) running.variance.write([100, 100]);
      y.backward([1, 2, 3, 4, 5, 6, 7, 8]);
    });
    const dx = x.grad();
    x.storage.gradientPresent = false;
    return dx;
  };
  assert.equal(gradient(true), gradient(false));
});

test("what does not fit is refused", async () => {
  await init();
  const [x, weight, bias] = [leaf([2, 3, 3, 6], 1), leaf([6], 2), leaf([6], 3)];
  refuses(() => batchNorm(x, leaf([5], 2), bias, fresh(6)), ShapeError, "batchNorm: weight is [5], expected [6]");
  refuses(() => batchNorm(x, weight, bias, fresh(4)), ShapeError, "batchNorm: mean is [4], expected [6]");
  const training = true;
  refuses(
    () => batchNorm(leaf([1, 6], 1), weight, bias, fresh(6), { training }),
    ShapeError,
    "has 1 numbers per channel, expected at least 2 in training",
  );
  refuses(
    () => batchNorm(leaf([2, 6, 3, 3], 1).permute([0, 2, 3, 1]), weight, bias, fresh(6)),
    ShapeError,
    "not evenly spaced",
  );
  refuses(() => batchNorm(empty([2, 6], "i32"), weight, bias, fresh(6)), DTypeError, "expected f32");
});
