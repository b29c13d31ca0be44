import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ReleasedError, ShapeError } from "../../src/errors.js";
import { add, addRow, multiply, scale, subtract } from "../../src/ops/elementwise.js";
import { sum } from "../../src/ops/reduce.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("add, subtract, multiply and scale compute element by element", async () => {
  await init();
  const [a, b] = [fromArray([1, 2, 3, -4], [2, 2]), fromArray([10, 20, -30, 40], [2, 2])];
  assert.equal(
    values(() => add(a, b)),
    [11, 22, -27, 36],
  );
  assert.equal(
    values(() => subtract(a, b)),
    [-9, -18, 33, -44],
  );
  assert.equal(
    values(() => multiply(a, b)),
    [10, 40, -90, -160],
  );
  assert.equal(
    values(() => scale(a, -0.5)),
    [-0.5, -1, -1.5, 2],
  );
});

test("strided inputs are read through their strides", async () => {
  await init();
  const a = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = fromArray([10, 20, 30, 40, 50, 60], [3, 2]);
  assert.equal(
    values(() => add(a, b.permute([1, 0]))),
    [11, 32, 53, 24, 45, 66],
  );
  assert.equal(
    values(() => multiply(a.narrow(1, 1, 2), a.narrow(1, 0, 2))),
    [2, 6, 20, 30],
  );
  assert.equal(
    values(() => scale(a.select(1, 2), 2)),
    [6, 12],
  );
  assert.equal(
    values(() => addRow(a.narrow(1, 1, 2), b.select(0, 1))),
    [32, 43, 35, 46],
  );
});

test("a row is added to every row of any leading shape", async () => {
  await init();
  const row = fromArray([10, 20], [2]);
  assert.equal(
    values(() => addRow(fromArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), row)),
    [11, 22, 13, 24, 15, 26, 17, 28],
  );
  assert.equal(
    values(() => addRow(fromArray([1, 2], [2]), row)),
    [11, 22],
  );
});

test("empty and size-one tensors pass through", async () => {
  await init();
  assert.equal(
    values(() => add(empty([0, 3]), empty([0, 3]))),
    [],
  );
  assert.equal(
    values(() => addRow(empty([0, 3]), fromArray([1, 2, 3], [3]))),
    [],
  );
  assert.equal(
    values(() => multiply(fromArray([3], [1, 1]), fromArray([4], [1, 1]))),
    [12],
  );
  assert.equal(
    values(() => scale(fromArray([3], []), 2)),
    [6],
  );
});

test("gradients of elementwise ops are their derivatives", async () => {
  await initDouble();
  const [a, b, row] = [leaf([3, 5], 1), leaf([3, 5], 2), leaf([5], 3)];
  gradcheck(() => add(a, b), [a, b]);
  gradcheck(() => subtract(a, b), [a, b]);
  gradcheck(() => multiply(a, b), [a, b]);
  gradcheck(() => scale(a, -1.5), [a]);
  gradcheck(() => addRow(a, row), [a, row]);
});

test("gradients reach strided parts, tensors used twice, and leave the rest zero", async () => {
  await initDouble();
  const [a, b] = [leaf([4, 6], 1), leaf([6, 4], 2)];
  gradcheck(() => multiply(a, b.permute([1, 0])), [a, b]);
  gradcheck(() => subtract(a.narrow(1, 1, 3), a.narrow(1, 2, 3)), [a]);
  gradcheck(() => addRow(a.narrow(1, 2, 4), b.select(0, 1)), [a, b]);
  gradcheck(() => multiply(a, a), [a]);
  gradcheck(() => add(scale(a, 2), scale(a, 3)), [a]);
});

test("a gradient that changes hands inside a chain is not lost or counted twice", async () => {
  await initDouble();
  const [a, b] = [leaf([2, 3], 1), leaf([2, 3], 2)];
  gradcheck(() => {
    const y = multiply(a, b);
    const left = add(y, b);
    const right = add(y, y);
    return add(left, subtract(right, left));
  }, [a, b]);
});

test("tensors that do not fit are refused with a message", async () => {
  await init();
  const [a, b] = [fromArray([1, 2], [2]), fromArray([1, 2, 3], [3])];
  refuses(() => add(a, b), ShapeError, "add: b is [3], expected [2].");
  refuses(() => subtract(a, b), ShapeError, "subtract: b is [3], expected [2].");
  refuses(() => multiply(a, b), ShapeError, "multiply: b is [3], expected [2].");
  refuses(() => addRow(a, b), ShapeError, "addRow: row is [3], expected [2].");
  refuses(() => addRow(fromArray([1, 2, 3, 4], [2, 2]).permute([1, 0]), a), ShapeError, "not evenly spaced");
  refuses(() => scale(fromArray([1], [1], "i32"), 2), DTypeError, "scale: x is [1] i32, expected f32.");
  const gone = step(() => {
    const x = sum(a);
    return () => x;
  });
  refuses(() => scale(gone(), 2), ReleasedError, "scale: x [] f32 belongs to step");
});
