import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { linear } from "../../src/ops/linear.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("a row is multiplied with every row of the weight, scaled, and the bias added", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
  const weight = fromArray([1, 0, -1, 2, 1, 0], [2, 3]);
  const bias = fromArray([10, 20], [2]);
  assert.equal(
    values(() => linear(x, weight)),
    [-2, 4, -2, 13],
  );
  assert.equal(
    values(() => linear(x, weight, bias, { inputScale: 3 })),
    [4, 32, 4, 59],
  );
});

test("leading axes are kept, and a single row stays a row", async () => {
  await init();
  const weight = leaf([5, 3], 1);
  step(() => {
    assert.equal(linear(empty([2, 4, 3]), weight).shape, [2, 4, 5]);
    assert.equal(linear(empty([3]), weight).shape, [5]);
    assert.equal(linear(empty([0, 3]), weight).shape, [0, 5]);
  });
});

test("row groups of a weight make groups of columns", async () => {
  await init();
  const full = fromArray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [4, 3]);
  const weight = full.reshape([2, 2, 3]).narrow(1, 0, 1).narrow(2, 0, 2); // rows 0 and 2, first two columns
  const bias = fromArray([10, 0, 20, 0], [2, 2]).narrow(1, 0, 1);
  const x = fromArray([1, 1], [1, 2]);
  assert.equal(
    values(() => linear(x, weight, bias)),
    [13, 35],
  );
});

test("column groups of a weight read groups of columns", async () => {
  await init();
  const full = fromArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
  const weight = full.reshape([2, 2, 2]).narrow(2, 0, 1); // columns 0 and 2
  const x = fromArray([1, 10], [1, 2]);
  const bias = fromArray([100, 200], [2]);
  assert.equal(
    values(() => linear(x, weight, bias, { groups: "inputs" })),
    [131, 275],
  );
});

test("a sliced product equals the product with a dense copy of the slice", async () => {
  await init();
  const x = leaf([9, 30], 1);
  const weight = leaf([3 * 17, 30], 2);
  const bias = leaf([3 * 17], 3);
  const [grouped, offsets] = [weight.reshape([3, 17, 30]), bias.reshape([3, 17])];
  const slice = grouped.narrow(1, 0, 13).narrow(2, 0, 21);
  const sliced = values(() => linear(x.narrow(1, 0, 21), slice, offsets.narrow(1, 0, 13)));
  const dense = fromArray(slice.toArray(), [39, 21]);
  const bare = fromArray(offsets.narrow(1, 0, 13).toArray(), [39]);
  const expected = values(() => linear(fromArray(x.narrow(1, 0, 21).toArray(), [9, 21]), dense, bare));
  assert.equal(sliced, expected);
});

test("backward is the derivative, in x, weight and bias", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([3, 2, 5], 1), leaf([7, 5], 2), leaf([7], 3)];
  gradcheck(() => linear(x, weight, bias, { inputScale: 1.75 }), [x, weight, bias]);
});

test("backward of a slice is the derivative and zero outside the slice", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([6, 9], 1), leaf([12, 8], 2), leaf([12], 3)];
  const sliced = () =>
    linear(
      x.narrow(1, 2, 5),
      weight.reshape([3, 4, 8]).narrow(1, 0, 3).narrow(2, 0, 5),
      bias.reshape([3, 4]).narrow(1, 0, 3),
      { inputScale: 8 / 5 },
    );
  gradcheck(sliced, [x, weight, bias]);
});

test("backward of whole groups is the derivative", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([6, 8], 1), leaf([12, 8], 2), leaf([12], 3)];
  gradcheck(() => linear(x, weight.reshape([3, 4, 8]), bias.reshape([3, 4])), [x, weight, bias]);
  gradcheck(() => linear(x, weight.reshape([12, 4, 2]), bias, { groups: "inputs" }), [x, weight, bias]);
});

test("backward of column groups is the derivative and zero outside them", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([5, 6], 1), leaf([4, 20], 2), leaf([4], 3)];
  const sliced = () =>
    linear(x, weight.reshape([4, 2, 10]).narrow(0, 1, 3).narrow(2, 0, 3), bias.narrow(0, 1, 3), { groups: "inputs" });
  gradcheck(sliced, [x, weight, bias]);
});

test("a full and a sliced use of one weight add their gradients", async () => {
  await initDouble();
  const [x, weight] = [leaf([4, 6], 1), leaf([5, 6], 2)];
  gradcheck(
    () => linear(linear(x, weight).narrow(1, 0, 3), weight.narrow(0, 1, 4).narrow(1, 0, 3), null, { inputScale: 2 }),
    [x, weight],
  );
});

test("rows that are class tokens of sequences are read in place", async () => {
  await initDouble();
  const [x, weight] = [leaf([3, 4, 5], 1), leaf([2, 5], 2)];
  gradcheck(() => linear(x.select(1, 0), weight), [x, weight]);
});

test("a single feature and no rows at all have gradients", async () => {
  await initDouble();
  const [x, weight, bias] = [leaf([3, 1], 1), leaf([1, 1], 2), leaf([1], 3)];
  gradcheck(() => linear(x, weight, bias), [x, weight, bias]);
  const none = leaf([0, 4], 1);
  const other = leaf([2, 4], 2);
  step(() => linear(none, other).backward([]));
  assert.equal([...(other.grad() ?? [])], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test("what does not fit is refused", async () => {
  await init();
  const [x, weight] = [leaf([2, 6], 1), leaf([3, 4], 2)];
  refuses(() => linear(x, weight), ShapeError, "x has 6 features ([2, 6]) but weight expects 4 ([3, 4])");
  refuses(() => linear(x.narrow(1, 0, 4), weight, leaf([4], 3)), ShapeError, "bias is [4], expected [3]");
  refuses(() => linear(x, leaf([6], 3)), ShapeError, "weight is [6], expected [out, in]");
  refuses(() => linear(x, leaf([6, 3], 3).permute([1, 0])), ShapeError, "no unit stride");
  refuses(() => linear(leaf([6, 2], 3).permute([1, 0]), leaf([3, 6], 4)), ShapeError, "not evenly spaced");
  refuses(() => linear(fromArray([1, 2, 3, 4], [1, 4], "i32"), weight), DTypeError, "expected f32");
});
