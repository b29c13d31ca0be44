import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { maskRows } from "../../src/ops/mask-rows.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("the token stands where the mask is set, also over strided views", async () => {
  await init();
  const x = fromArray([1, 2, 9, 3, 4, 9, 5, 6, 9], [3, 1, 3]).narrow(2, 0, 2);
  const token = fromArray([7, 0, 8, 0], [2, 2]).select(1, 0);
  const mask = fromArray([0, 1, 0], [3, 1], "i32");
  assert.equal([...step(() => maskRows(x, token, mask)).toArray()], [1, 2, 7, 8, 5, 6]);
  assert.equal(step(() => maskRows(empty([0, 2, 2]), token, empty([0, 2], "i32"))).shape, [0, 2, 2]);
});

test("backward of masked rows is the derivative, in x and in the token", async () => {
  await initDouble();
  const [x, token] = [leaf([2, 3, 5], 1), leaf([7], 2)];
  const mask = fromArray([0, 1, 1, 0, 0, 1], [2, 3], "i32");
  gradcheck(() => maskRows(x, token.narrow(0, 1, 5), mask), [x, token]);
  gradcheck(() => maskRows(maskRows(x, token.narrow(0, 0, 5), mask), token.narrow(0, 2, 5), mask), [x, token]);
});

test("what does not fit is refused", async () => {
  await init();
  const [x, token, mask] = [leaf([2, 3], 1), leaf([3], 2), fromArray([0, 1], [2], "i32")];
  refuses(() => maskRows(x, leaf([2], 1), mask), ShapeError, "maskRows: token is [2], expected [3]");
  refuses(() => maskRows(x, token, fromArray([1], [1], "i32")), ShapeError, "maskRows: mask is [1], expected [2]");
  refuses(() => maskRows(x, token, leaf([2], 1)), DTypeError, "maskRows: mask is [2] f32, expected i32");
});
