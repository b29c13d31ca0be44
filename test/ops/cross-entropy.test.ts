import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { crossEntropy, distillation, softCrossEntropy } from "../../src/ops/cross-entropy.js";
import { scale } from "../../src/ops/elementwise.js";
import { softmax } from "../../src/ops/softmax.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const ln = Math.log;
const value = (loss: () => Tensor) => step(() => loss().item());
const is = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 2e-6, `${actual}, expected ${expected}`);

test("soft cross-entropy is the mean surprise under the target", async () => {
  await init();
  const logits = fromArray([0, ln(3), 0, 0], [2, 2]); // softmax 1/4, 3/4 and 1/2, 1/2
  const targets = fromArray([0.5, 0.5, 1, 0], [2, 2]);
  const [first, second] = [(ln(4) + ln(4 / 3)) / 2, ln(2)];
  is(
    value(() => softCrossEntropy(logits, targets)),
    first + second,
  );
  is(
    value(() => softCrossEntropy(logits, targets, { scale: 0.25 })),
    (first + second) / 4,
  );
  const weights = fromArray([2, 0], [2]);
  is(
    value(() => softCrossEntropy(logits, targets, { weights, scale: 3 })),
    6 * first,
  );
  is(
    value(() => softCrossEntropy(scale(logits, 0.1), targets, { temperature: 0.1 })),
    first + second,
  );
});

test("targets repeat down the rows and need not sum to 1", async () => {
  await init();
  const logits = fromArray([0, ln(3), 0, 0, ln(3), 0, 5, 5], [4, 2]);
  const targets = fromArray([2, 0, 0, 1], [2, 2]);
  is(
    value(() => softCrossEntropy(logits, targets)),
    2 * ln(4) + ln(2) + 2 * ln(4 / 3) + ln(2),
  );
});

test("distillation is least, the teacher's entropy, where student and teacher agree", async () => {
  await init();
  const [student, teacher] = [fromArray([0, ln(3)], [1, 2]), fromArray([7, 7], [1, 2])];
  is(
    value(() => distillation(student, teacher)),
    (ln(4) + ln(4 / 3)) / 2,
  );
  is(
    value(() => distillation(teacher, teacher, { scale: 2 })),
    2 * ln(2),
  );
  is(
    value(() => distillation(student, student, { temperature: 0.5 })),
    ln(10) - 0.9 * ln(9),
  );
});

test("cross-entropy of labels is the mean over rows", async () => {
  await init();
  const logits = fromArray([0, ln(3), 4, 4], [2, 2]);
  is(
    value(() => crossEntropy(logits, fromArray([1, 0], [2], "i32"))),
    (ln(4 / 3) + ln(2)) / 2,
  );
  is(
    value(() => crossEntropy(fromArray([42], [1, 1]), fromArray([0], [1], "i32"))),
    0,
  );
});

test("rows with the ignored label have no part in the mean and receive no gradient", async () => {
  await init();
  const logits = fromArray([0, ln(3), 7, 9, 4, 4, -50, 50], [4, 2]);
  logits.storage.tracked = true;
  const labels = Int32Array.of(1, 255, 0, 255);
  is(
    value(() => crossEntropy(logits, labels, { ignore: 255 })),
    (ln(4 / 3) + ln(2)) / 2,
  );
  step(() => crossEntropy(logits, labels, { ignore: 255 }).backward());
  close(logits.grad()!, [1 / 8, -1 / 8, 0, 0, -1 / 4, 1 / 4, 0, 0], 1e-6);
  assert.equal([...labels], [1, 255, 0, 255]);
  is(
    value(() => crossEntropy(logits, Int32Array.of(0, 0, 0, 0), { ignore: 0 })),
    0,
  );
});

test("losses of more rows than one block of a sum count every row once", async () => {
  await init();
  const rows = 4096 + 904;
  const logits = fromArray(new Float32Array(2 * rows), [rows, 2]);
  const targets = fromArray([1, 0], [1, 2]);
  assert.ok(Math.abs(value(() => softCrossEntropy(logits, targets, { scale: 1 / rows })) - ln(2)) < 1e-6);
});

test("no row makes no loss", async () => {
  await init();
  const none = () => empty([0, 3]);
  is(
    value(() => softCrossEntropy(none(), none())),
    0,
  );
  is(
    value(() => distillation(none(), none())),
    0,
  );
});

test("losses read narrowed and selected rows", async () => {
  await init();
  const wide = fromArray([0, ln(3), 9, 9, 0, 0, 9, 9], [2, 4]);
  const narrow = wide.narrow(1, 0, 2);
  const targets = fromArray([8, 0.5, 0.5, 8, 1, 0], [2, 3]).narrow(1, 1, 2);
  is(
    value(() => softCrossEntropy(narrow, targets)),
    (ln(4) + ln(4 / 3)) / 2 + ln(2),
  );
  is(
    value(() => crossEntropy(narrow, fromArray([1, 1], [2], "i32"))),
    (ln(4 / 3) + ln(2)) / 2,
  );
  is(
    value(() => distillation(narrow, wide.narrow(1, 2, 2))),
    (ln(4) + ln(4 / 3)) / 2 + ln(2),
  );
});

test("the gradients of the losses are their derivatives", async () => {
  await initDouble();
  const [x, t] = [leaf([4, 5], 1), leaf([4, 5], 2)];
  t.storage.tracked = false;
  const targets = softmax(t);
  const weights = fromArray([1, 0, 0.5, 2], [4]);
  const labels = fromArray([4, 0, 2, 2], [4], "i32");
  gradcheck(() => softCrossEntropy(x, targets, { temperature: 0.3, scale: 0.7 }), [x]);
  gradcheck(() => softCrossEntropy(x, targets.narrow(0, 0, 2), { weights }), [x]);
  gradcheck(() => softCrossEntropy(x, t, { temperature: 2 }), [x]); // targets of either sign
  gradcheck(() => distillation(x, t, { temperature: 0.3, scale: 0.7 }), [x]);
  gradcheck(() => crossEntropy(x, labels), [x]);
  gradcheck(() => crossEntropy(x, labels, { ignore: 2 }), [x]);
});

test("gradients of the losses reach a narrowed input and scale with what comes from above", async () => {
  await initDouble();
  const [x, t] = [leaf([3, 6], 1), fromArray([0.2, 0.3, 0.5], [1, 3])];
  gradcheck(() => scale(softCrossEntropy(x.narrow(1, 1, 3), t), 3), [x]);
  gradcheck(() => scale(crossEntropy(x.narrow(1, 2, 4), fromArray([3, 0, 1], [3], "i32")), -2), [x]);
  const teacher = fromArray(
    Array.from({ length: 9 }, (_, i) => Math.cos(i)),
    [3, 3],
  );
  gradcheck(() => scale(distillation(x.narrow(1, 0, 3), teacher), 0.5), [x]);
});

test("no gradient flows into targets, a teacher or weights", async () => {
  await initDouble();
  const [x, t, w] = [leaf([2, 3], 1), leaf([2, 3], 2), leaf([2], 3)];
  step(() => softCrossEntropy(x, t, { weights: w }).backward());
  step(() => distillation(x, t).backward());
  assert.is(t.grad(), null);
  assert.is(w.grad(), null);
  assert.ok(x.grad() !== null);
});

test("losses refuse what does not fit", async () => {
  await init();
  const x = fromArray(new Float32Array(6), [2, 3]);
  const labels = (...classes: number[]) => fromArray(classes, [classes.length], "i32");
  refuses(
    () => softCrossEntropy(x, fromArray([1, 2], [1, 2])),
    ShapeError,
    "softCrossEntropy: targets are [1, 2], expected 3 columns and a number of rows that divides 2.",
  );
  refuses(() => softCrossEntropy(x, empty([3, 3])), ShapeError, "targets are [3, 3]");
  refuses(() => softCrossEntropy(x, empty([0, 3])), ShapeError, "targets are [0, 3]");
  refuses(
    () => softCrossEntropy(x, x, { weights: fromArray([1], [1]) }),
    ShapeError,
    "softCrossEntropy: weights is [1], expected [2].",
  );
  refuses(() => softCrossEntropy(x, x, { temperature: -1 }), ConfigError, "softCrossEntropy: temperature is -1");
  refuses(() => softCrossEntropy(labels(1), x), DTypeError, "softCrossEntropy: logits is [1] i32, expected f32.");
  refuses(() => distillation(x, empty([2, 2])), ShapeError, "distillation: teacher is [2, 2], expected [2, 3].");
  refuses(() => distillation(x, x, { temperature: Number.NaN }), ConfigError, "distillation: temperature is NaN");
  refuses(() => distillation(x, empty([2, 3], "i32")), DTypeError, "distillation: teacher is [2, 3] i32");
  refuses(() => crossEntropy(x, labels(0, 1, 2)), ShapeError, "crossEntropy: labels is [3], expected [2].");
  refuses(() => crossEntropy(x, labels(0, 3)), ShapeError, "crossEntropy: labels[1] is 3, outside the 3 classes");
  refuses(() => crossEntropy(x, labels(-1, 0)), ShapeError, "crossEntropy: labels[0] is -1, outside the 3 classes");
  refuses(() => crossEntropy(empty([0, 3]), empty([0], "i32")), ShapeError, "have no row to average over");
  refuses(() => crossEntropy(x, fromArray([0, 1], [2])), DTypeError, "crossEntropy: labels is [2] f32, expected i32.");
  refuses(() => crossEntropy(empty([2, 0]), labels(0, 0)), ShapeError, "crossEntropy: the rows of [2, 0] are empty");
});
