import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { concatColumns, concatRows } from "../../src/ops/concat.js";
import { scale } from "../../src/ops/elementwise.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("rows of dense, narrowed, selected and empty parts follow one another", async () => {
  await init();
  const a = fromArray([1, 2, 3, 4], [2, 2]);
  const b = fromArray([...Array(12).keys()], [2, 2, 3]);
  const y = step(() => concatRows([a, b.select(1, 1).narrow(1, 1, 2), empty([0, 2]), fromArray([7, 8], [2])]));
  assert.equal(y.shape, [5, 2]);
  assert.equal([...y.toArray()], [1, 2, 3, 4, 4, 5, 10, 11, 7, 8]);
  assert.equal([...step(() => concatRows([a])).toArray()], [1, 2, 3, 4]);
});

test("gradients reach each part through its strides, also a part named twice", async () => {
  await initDouble();
  const [a, b] = [leaf([3, 2], 1), leaf([2, 3, 4], 2)];
  gradcheck(() => concatRows([a, b.select(1, 2).narrow(1, 1, 2), a, scale(a, 3)]), [a, b]);
  gradcheck(() => concatRows([b.narrow(2, 0, 2), b.narrow(2, 1, 2)]), [b]);
});

test("parts that do not fit are refused with a message", async () => {
  await init();
  const [a, b] = [fromArray([1, 2], [1, 2]), fromArray([1, 2, 3], [1, 3])];
  refuses(() => concatRows([]), ShapeError, "concatRows: no parts");
  refuses(
    () => concatRows([a, b]),
    ShapeError,
    "concatRows: parts[1] has 3 columns ([1, 3]) but parts[0] has 2 ([1, 2]).",
  );
  refuses(
    () => concatRows([a, fromArray([1, 2], [1, 2], "i32")]),
    DTypeError,
    "concatRows: parts[1] is [1, 2] i32, expected f32.",
  );
  const uneven = fromArray([...Array(12).keys()], [2, 3, 2]).narrow(1, 0, 2);
  refuses(() => concatRows([uneven]), ShapeError, "not evenly spaced");
});

test("columns of dense and narrowed parts stand side by side", async () => {
  await init();
  const a = fromArray([1, 2, 3, 4], [1, 2, 2]);
  const b = fromArray([5, 6, 7, 8, 9, 10], [1, 2, 3]);
  const y = step(() => concatColumns([a, b.narrow(2, 1, 2), a, empty([1, 2, 0])]));
  assert.equal(y.shape, [1, 2, 6]);
  assert.equal([...y.toArray()], [1, 2, 6, 7, 1, 2, 3, 4, 9, 10, 3, 4]);
});

test("gradients of columns reach each part through its strides, also a part named twice", async () => {
  await initDouble();
  const [a, b] = [leaf([2, 3, 2], 1), leaf([2, 3, 5], 2)];
  gradcheck(() => concatColumns([a, b.narrow(2, 1, 3), a]), [a, b]);
  gradcheck(() => concatColumns([a, scale(a, 3)]), [a]);
});

test("parts that cannot stand side by side are refused with a message", async () => {
  await init();
  const [a, b] = [empty([2, 2]), empty([3, 2])];
  refuses(() => concatColumns([]), ShapeError, "concatColumns: no parts");
  refuses(
    () => concatColumns([a, b]),
    ShapeError,
    "concatColumns: parts[1] is [3, 2] but parts[0] is [2, 2]; all axes but the last must agree.",
  );
  refuses(() => concatColumns([a, empty([2, 2], "i32")]), DTypeError, "concatColumns: parts[1] is [2, 2] i32");
  const uneven = empty([2, 3, 2]).narrow(1, 0, 2);
  refuses(() => concatColumns([uneven]), ShapeError, "not evenly spaced");
});
