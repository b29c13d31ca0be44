import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { binaryCrossEntropy } from "../../src/ops/binary-cross-entropy.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray, zeros } from "../../src/tensor/create.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("binary cross-entropy by hand", async () => {
  await init();
  step(() => {
    const logits = fromArray([0, Math.log(3), Math.log(3)], [3]);
    const value = binaryCrossEntropy(logits, fromArray([0.3, 1, 0.5], [3]), { scale: 2 }).item();
    // σ is ½, ¾, ¾.
    const expected = 2 * (Math.LN2 - Math.log(0.75) - (Math.log(0.75) + Math.log(0.25)) / 2);
    assert.ok(Math.abs(value - expected) < 1e-6, `${value}, expected ${expected}`);
  });
});

test("its backward pass is its derivative, also on strided views", async () => {
  await initDouble();
  const x = leaf([4, 5], 1);
  const targets = fromArray(
    numbers([4, 5], 2).map((value) => (value + 1) / 2),
    [4, 5],
  );
  gradcheck(() => binaryCrossEntropy(x, targets, { scale: 0.3 }), [x]);
  gradcheck(() => binaryCrossEntropy(x.narrow(1, 1, 3), targets.narrow(1, 2, 3)), [x]);
});

test("nothing gives 0", async () => {
  await init();
  step(() => assert.is(binaryCrossEntropy(zeros([0, 1]), zeros([0, 1])).item(), 0));
});

test("targets of another shape or type are refused", async () => {
  await init();
  step(() => {
    assert.throws(
      () => binaryCrossEntropy(zeros([3]), zeros([3, 1])),
      (error: Error) => error instanceof ShapeError && /targets is \[3, 1\], expected \[3\]/.test(error.message),
    );
    assert.throws(
      () => binaryCrossEntropy(zeros([3]), empty([3], "i32")),
      (error: Error) => error instanceof DTypeError,
    );
  });
});
