import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { matmul } from "../../src/ops/matmul.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);
const transposed = (x: Tensor) => (x.shape.length === 2 ? x.permute([1, 0]) : x.permute([0, 2, 1]));

test("rows meet columns", async () => {
  await init();
  const a = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = fromArray([1, 0, 0, 1, 1, 1], [3, 2]);
  assert.equal(
    values(() => matmul(a, b)),
    [4, 5, 10, 11],
  );
  assert.equal(
    values(() => matmul(a, transposed(a))),
    [14, 32, 32, 77],
  );
});

test("a batch of matrices is multiplied entry by entry", async () => {
  await init();
  const a = fromArray([1, 2, 3, 4], [2, 1, 2]);
  const b = fromArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  assert.equal(
    values(() => matmul(a, b)),
    [7, 10, 43, 50],
  );
});

for (const lead of [[], [3]]) {
  const where = lead.length > 0 ? "in a batch" : "of two matrices";
  test(`backward ${where} is the derivative, whichever operand is transposed`, async () => {
    await initDouble();
    const [a, aT] = [leaf([...lead, 4, 6], 1), leaf([...lead, 6, 4], 2)];
    const [b, bT] = [leaf([...lead, 6, 5], 3), leaf([...lead, 5, 6], 4)];
    gradcheck(() => matmul(a, b), [a, b]);
    gradcheck(() => matmul(transposed(aT), b), [aT, b]);
    gradcheck(() => matmul(a, transposed(bT)), [a, bT]);
    gradcheck(() => matmul(transposed(aT), transposed(bT)), [aT, bT]);
  });
}

test("backward through heads of one projection, batch and axes permuted, is the derivative", async () => {
  await initDouble();
  const qkv = leaf([5, 3, 2, 4], 1); // [tokens, qkv, heads, features]
  const heads = (i: number) => qkv.select(1, i).permute([1, 0, 2]);
  gradcheck(() => matmul(matmul(heads(0), transposed(heads(1))), heads(2)), [qkv]);
});

test("backward of a matrix times its own transpose is the derivative", async () => {
  await initDouble();
  const a = leaf([3, 5], 1);
  gradcheck(() => matmul(a, transposed(a)), [a]);
});

test("rows and columns of one element have gradients, whatever their strides", async () => {
  await initDouble();
  const [column, row] = [leaf([7, 3], 1), leaf([3, 7], 2)];
  gradcheck(() => matmul(column.narrow(1, 1, 1), row.narrow(0, 2, 1)), [column, row]);
  gradcheck(() => matmul(row.narrow(0, 1, 1), column.narrow(1, 0, 1)), [row, column]);
  gradcheck(() => matmul(transposed(column.narrow(1, 1, 1)), column.narrow(1, 0, 2)), [column]);
});

test("no terms give zeros and no rows give an empty product", async () => {
  await init();
  assert.equal(
    values(() => matmul(leaf([2, 0], 1), leaf([0, 3], 2))),
    [0, 0, 0, 0, 0, 0],
  );
  step(() => assert.equal(matmul(leaf([0, 4], 1), leaf([4, 3], 2)).shape, [0, 3]));
});

test("what does not fit is refused", async () => {
  await init();
  const a = leaf([2, 3], 1);
  refuses(() => matmul(a, a), ShapeError, "a [2, 3] and b [2, 3]; a has 3 columns, b has 2 rows");
  refuses(() => matmul(a, leaf([3], 2)), ShapeError, "expected two matrices or two batches of matrices");
  refuses(() => matmul(leaf([4, 2, 3], 1), leaf([5, 3, 2], 2)), ShapeError, "batches of different size");
  refuses(() => matmul(leaf([2, 3, 2], 1).select(2, 0), leaf([3, 2], 2)), ShapeError, "has no unit stride");
  refuses(() => matmul(a, fromArray([1, 2, 3], [3, 1], "i32")), DTypeError, "expected f32");
});
