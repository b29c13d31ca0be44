import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { focalLoss } from "../../src/ops/focal-loss.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, zeros } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}, expected ${expected}`);

test("the focal loss by hand: alpha weighs the class, 1 - alpha the others", async () => {
  await init();
  step(() => {
    // At a logit of 0 every probability is ½: (¼ + ¾) · ½² · ln 2.
    near(focalLoss(zeros([1, 2]), Int32Array.of(0)).item(), Math.LN2 / 4);
    // No class: 2 · ¾ · ¼ · ln 2; left out: nothing.
    near(focalLoss(zeros([1, 2]), Int32Array.of(-1)).item(), (3 / 8) * Math.LN2);
    assert.is(focalLoss(zeros([1, 2]), Int32Array.of(-2)).item(), 0);
    // σ(ln 3) = ¾: ¼ · (¼)² · ln(4/3).
    const sure = fromArray([Math.log(3)], [1, 1]);
    near(focalLoss(sure, Int32Array.of(0)).item(), (1 / 64) * Math.log(4 / 3));
    near(focalLoss(sure, Int32Array.of(0), { alpha: 0.5, gamma: 0, scale: 3 }).item(), 1.5 * Math.log(4 / 3));
  });
});

test("with gamma 0 and alpha ½ it is half of the cross-entropy of every class for itself", async () => {
  await init();
  step(() => {
    const x = [0.3, -1.2, 2.5, 0.1];
    const expected = x.reduce((sum, value, k) => sum + Math.log1p(Math.exp(k === 2 ? -value : value)), 0) / 2;
    near(focalLoss(fromArray(x, [1, 4]), Int32Array.of(2), { alpha: 0.5, gamma: 0 }).item(), expected);
  });
});

test("its backward pass is its derivative, also on a strided view and with rows left out", async () => {
  await initDouble();
  const x = leaf([5, 6], 1);
  gradcheck(() => focalLoss(x, Int32Array.of(0, 5, -1, -2, 3), { scale: 0.5 }), [x]);
  gradcheck(() => focalLoss(x.narrow(1, 1, 3), Int32Array.of(0, 2, -1, -2, 1), { gamma: 1.5, alpha: 0.4 }), [x]);
});

test("no row gives 0", async () => {
  await init();
  step(() => assert.is(focalLoss(zeros([0, 3]), new Int32Array()).item(), 0));
});

test("classes outside the logits, of another number or type, and settings out of range are refused", async () => {
  await init();
  step(() => {
    const isShape = (pattern: RegExp) => (error: Error) => error instanceof ShapeError && pattern.test(error.message);
    assert.throws(
      () => focalLoss(zeros([2, 3]), Int32Array.of(0, 3)),
      isShape(/classes\[1\] is 3, expected one of the 3/),
    );
    assert.throws(() => focalLoss(zeros([2, 3]), Int32Array.of(-3, 0)), isShape(/classes\[0\] is -3/));
    assert.throws(() => focalLoss(zeros([2, 3]), Int32Array.of(0)), isShape(/classes is \[1\], expected \[2\]/));
    assert.throws(() => focalLoss(zeros([2, 0]), Int32Array.of(0, 0)), isShape(/are empty/));
    assert.throws(
      () => focalLoss(zeros([1, 3]), zeros([1])),
      (error: Error) => error instanceof DTypeError,
    );
    for (const options of [{ alpha: 1.1 }, { gamma: -1 }, { alpha: Number.NaN }]) {
      assert.throws(
        () => focalLoss(zeros([1, 3]), Int32Array.of(0), options),
        (error: Error) => error instanceof ConfigError && /expected 0 ≤ alpha ≤ 1 and gamma ≥ 0/.test(error.message),
      );
    }
  });
});
