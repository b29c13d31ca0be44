import * as assert from "uvu/assert";
import { scope, step } from "../../src/autograd/tape.js";
import { ReleasedError, ShapeError } from "../../src/errors.js";
import { gelu } from "../../src/ops/activation.js";
import { dispose, init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { DType } from "../../src/tensor/dtype.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const counting = (shape: number[], dtype: DType = "f32") =>
  fromArray(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
    dtype,
  );
const values = (x: Tensor) => [...x.toArray()];

test("narrow keeps a range of one axis, also counted from the last", async () => {
  await init();
  const x = counting([3, 4]);
  assert.equal(values(x.narrow(0, 1, 2)), [4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(values(x.narrow(1, 1, 2)), [1, 2, 5, 6, 9, 10]);
  assert.equal(values(x.narrow(-1, 3, 1)), [3, 7, 11]);
  assert.equal(values(x.narrow(0, 1, 2).narrow(1, 2, 2)), [6, 7, 10, 11]);
  assert.equal(x.narrow(1, 4, 0).shape, [3, 0]);
  assert.equal(values(x.narrow(1, 4, 0)), []);
});

test("narrow refuses a range outside the axis, and an axis that is not there", async () => {
  await init();
  const x = counting([3, 4]);
  refuses(() => x.narrow(1, 2, 3), ShapeError, "narrow: 2…5 is outside axis 1 of [3, 4].");
  refuses(() => x.narrow(0, -1, 2), ShapeError, "outside axis 0");
  refuses(() => x.narrow(2, 0, 1), ShapeError, "narrow: [3, 4] has no axis 2.");
  refuses(() => x.narrow(-3, 0, 1), ShapeError, "has no axis -3");
});

test("select takes one element of an axis and drops the axis", async () => {
  await init();
  const x = counting([2, 3, 2]);
  assert.equal(x.select(1, 2).shape, [2, 2]);
  assert.equal(values(x.select(1, 2)), [4, 5, 10, 11]);
  assert.is(x.select(0, 1).select(0, 0).select(0, 1).item(), 7);
  refuses(() => x.select(1, 3), ShapeError, "outside axis 1 of [2, 3, 2]");
});

test("permute reorders axes, and refuses what is no order of them", async () => {
  await init();
  const x = counting([2, 3]);
  assert.equal(values(x.permute([1, 0])), [0, 3, 1, 4, 2, 5]);
  assert.equal(counting([2, 3, 4]).permute([2, 0, 1]).shape, [4, 2, 3]);
  for (const order of [[0], [0, 0], [0, 2], [0, 1, 2]])
    refuses(() => x.permute(order), ShapeError, "is not an order of the 2 axes of [2, 3]");
});

test("reshape fills in one open size and keeps the order of elements", async () => {
  await init();
  const x = counting([2, 6]);
  assert.equal(x.reshape([-1, 4]).shape, [3, 4]);
  assert.equal(values(x.reshape([2, 3, -1])), values(x));
  assert.equal(values(x.narrow(1, 0, 4).reshape([2, 2, 2])), [0, 1, 2, 3, 6, 7, 8, 9]);
  assert.equal(x.narrow(1, 6, 0).reshape([0, 5]).shape, [0, 5]);
  assert.equal(counting([1]).reshape([]).shape, []);
});

test("reshape refuses another number of elements, two open sizes, and what would move elements", async () => {
  await init();
  const x = counting([2, 6]);
  refuses(() => x.reshape([5, 2]), ShapeError, "reshape: [2, 6] has 12 elements, [5, 2] does not fit them.");
  refuses(() => x.reshape([-1, 5]), ShapeError, "does not fit");
  refuses(() => x.reshape([12, -1, -1]), ShapeError, "does not fit");
  refuses(() => x.reshape([0, -1]), ShapeError, "does not fit");
  refuses(
    () => x.permute([1, 0]).reshape([12]),
    ShapeError,
    "reshape: [6, 2] as [12] would move elements. Pass contiguous(x).",
  );
});

test("views share memory: what is written through one is read through all", async () => {
  await init();
  const x = counting([2, 3]);
  x.permute([1, 0]).narrow(0, 1, 2).write([10, 20, 30, 40]);
  assert.equal(values(x), [0, 10, 30, 3, 20, 40]);
  x.select(0, 0).write([7, 8, 9]);
  assert.equal(values(x.narrow(0, 0, 1)), [7, 8, 9]);
});

test("every element type reads and writes, dense and strided", async () => {
  await init();
  for (const dtype of ["f32", "i32", "u8"] as const) {
    const x = counting([3, 3], dtype);
    x.narrow(1, 1, 2).write([9, 8, 7, 6, 5, 4]);
    assert.equal(values(x), [0, 9, 8, 3, 7, 6, 6, 5, 4], dtype);
    assert.equal(values(x.select(1, 2)), [8, 6, 4], dtype);
    assert.is(x.select(1, 2).toArray().constructor, x.toArray().constructor, dtype);
  }
  assert.ok(counting([2], "u8").toArray() instanceof Uint8Array);
  assert.ok(counting([2], "i32").select(0, 1).toArray() instanceof Int32Array);
});

test("on a heap of doubles numbers keep double precision", async () => {
  await initDouble();
  const x = fromArray([0.1, 0.2, 0.3, 0.4], [2, 2]);
  assert.equal(values(x.select(1, 1)), [0.2, 0.4]);
});

test("a copy stays what it was when the tensor changes", async () => {
  await init();
  const x = counting([2]);
  const copy = x.toArray();
  x.write([5, 6]);
  assert.equal([...copy], [0, 1]);
});

test("elements are looked at where they lie, or copied if they lie in another order", async () => {
  await init();
  const x = counting([2, 2]);
  const seen = x.peek();
  assert.equal([...seen], [...x.toArray()]);
  x.write([5, 6, 7, 8]);
  assert.equal([...seen], [5, 6, 7, 8]);
  assert.equal([...x.permute([1, 0]).peek()], [5, 7, 6, 8]);
});

test("writing another number of values is refused, so is item of several", async () => {
  await init();
  const x = counting([2, 3]);
  refuses(() => x.write([1, 2]), ShapeError, "write: 2 values for [2, 3], which has 6.");
  refuses(() => x.item(), ShapeError, "item: [2, 3] has 6 elements, expected one.");
  assert.is(x.narrow(0, 1, 1).narrow(1, 2, 1).item(), 5);
});

test("a dense prefix is dense, a cut through rows is not", async () => {
  await init();
  const x = counting([4, 3]);
  assert.ok(x.narrow(0, 0, 2).contiguous);
  assert.not.ok(x.narrow(1, 0, 2).contiguous);
  assert.ok(x.narrow(0, 1, 1).narrow(1, 0, 2).contiguous);
});

test("after its step a tensor names the operation, itself, the step and the way out", async () => {
  await init();
  for (let i = 0; i < 40; i++) step(() => gelu(empty([2])).numel);
  const escaped: Tensor[] = [];
  step(() => {
    escaped.push(empty([8, 197, 384]));
    return null;
  });
  refuses(
    () => gelu(escaped[0]),
    ReleasedError,
    "gelu: x [8, 197, 384] f32 belongs to step 41, which has ended. Return it from step(), or keep(x).",
  );
  refuses(() => escaped[0].toArray(), ReleasedError, "belongs to step 41");
  refuses(() => escaped[0].write([]), ShapeError, "write: 0 values");
});

test("after its scope or its disposal a tensor says so, with its name", async () => {
  await init();
  const escaped: Tensor[] = [];
  step(() => {
    scope(() => {
      escaped.push(empty([2], "i32"));
      return null;
    });
    refuses(
      () => escaped[0].ptr,
      ReleasedError,
      "x [2] i32 belongs to scope 1, which has ended. Return it from scope(), or keep(x).",
    );
  });
  const x = counting([3]);
  x.name = "blocks.0.norm1.weight";
  const view = x.narrow(0, 0, 2);
  x.dispose();
  x.dispose();
  refuses(() => view.toArray(), ReleasedError, "blocks.0.norm1.weight [2] f32 has been disposed.");
  dispose();
});

test("views carry the name of their tensor", async () => {
  await init();
  const x = counting([2, 2]);
  x.name = "qkv.weight";
  assert.is(x.narrow(0, 0, 1).reshape([2]).describe(), "qkv.weight [2] f32");
  assert.is(empty([]).describe(), "[] f32");
});
