import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError } from "../../src/errors.js";
import { contiguous } from "../../src/ops/layout.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Shape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const iota = (shape: Shape) => fromArray([...Array(shape.reduce((a, b) => a * b, 1)).keys()], shape);

const views: { name: string; shape: Shape; view: (x: Tensor) => Tensor }[] = [
  { name: "a transposed matrix", shape: [5, 7], view: (x) => x.permute([1, 0]) },
  { name: "narrowed columns", shape: [5, 7], view: (x) => x.narrow(1, 2, 4) },
  { name: "one column", shape: [5, 7], view: (x) => x.select(1, 3) },
  { name: "channels last", shape: [2, 3, 4, 5], view: (x) => x.permute([0, 2, 3, 1]) },
  { name: "heads first, narrowed", shape: [2, 3, 4, 8], view: (x) => x.narrow(3, 1, 6).permute([0, 2, 1, 3]) },
  { name: "all axes reversed", shape: [2, 3, 4, 5], view: (x) => x.permute([3, 2, 1, 0]) },
  { name: "five axes", shape: [2, 3, 3, 2, 4], view: (x) => x.permute([2, 0, 3, 1, 4]).narrow(4, 0, 3) },
  { name: "six axes reversed", shape: [2, 3, 2, 2, 2, 3], view: (x) => x.permute([5, 4, 3, 2, 1, 0]) },
];

for (const { name, shape, view } of views) {
  test(`a dense copy of ${name} has the view's elements in row-major order`, async () => {
    await init();
    const x = view(iota(shape));
    const y = contiguous(x);
    assert.ok(y.contiguous);
    assert.equal(y.shape, x.shape);
    assert.equal([...y.toArray()], [...x.toArray()]);
  });

  test(`the gradient of a dense copy of ${name} is its derivative`, async () => {
    await initDouble();
    const x = leaf(shape, 1);
    gradcheck(() => contiguous(view(x)), [x]);
  });
}

test("a dense tensor is returned itself, without a copy", async () => {
  await init();
  const x = iota([2, 3]);
  assert.is(contiguous(x), x);
  const rows = x.narrow(0, 1, 1);
  assert.is(contiguous(rows), rows);
});

test("integers keep their bits", async () => {
  await init();
  const x = fromArray([-1, 2, 1 << 30, -2147483648, 5, 2139095041], [2, 3], "i32").permute([1, 0]);
  assert.equal([...contiguous(x).toArray()], [-1, -2147483648, 2, 5, 1 << 30, 2139095041]);
});

test("an empty view has a dense copy", async () => {
  await init();
  assert.equal(
    step(() => [...contiguous(empty([3, 0, 2]).permute([2, 1, 0])).toArray()]),
    [],
  );
  assert.equal(
    step(() => contiguous(iota([3, 4]).narrow(1, 2, 0).permute([1, 0])).shape),
    [0, 3],
  );
});

test("strided bytes are refused", async () => {
  await init();
  const x = empty([2, 3], "u8").permute([1, 0]);
  refuses(() => contiguous(x), DTypeError, "contiguous: x is [3, 2] u8 with strides, expected f32 or i32.");
});
