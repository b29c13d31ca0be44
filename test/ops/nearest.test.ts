import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { nearestRows } from "../../src/ops/nearest.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, zeros } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

await init();

const bank = () => fromArray([1, 0, 0, 1, 1, 1, -1, 0], [4, 2]);

test("neighbours come in descending order of their dot product", () => {
  step(() => {
    const { index, similarity } = nearestRows(fromArray([2, 1], [1, 2]), bank(), 4);
    assert.equal([...index.toArray()], [2, 0, 1, 3]);
    assert.equal([...similarity.toArray()], [3, 2, 1, -2]);
    assert.equal(
      [index.shape, similarity.shape],
      [
        [1, 4],
        [1, 4],
      ],
    );
    assert.is(index.dtype, "i32");
  });
});

test("the lower row wins a tie", () => {
  step(() => {
    const { index } = nearestRows(fromArray([1, 0, 0, 1], [2, 2]), bank(), 2);
    assert.equal([...index.toArray()], [0, 2, 1, 2]);
  });
});

test("a query leaves itself out when asked to", () => {
  step(() => {
    const x = bank();
    const { index } = nearestRows(x, x, 1, { excludeSelf: true });
    assert.equal([...index.toArray()], [2, 2, 0, 1]);
  });
});

test("queries and bank may be strided views", () => {
  step(() => {
    const wide = fromArray([9, 1, 0, 9, 0, 1, 9, 1, 1, 9, -1, 0], [4, 3]).narrow(1, 1, 2);
    const { index, similarity } = nearestRows(wide.narrow(0, 2, 1), wide, 3);
    assert.equal([...index.toArray()], [2, 0, 1]);
    assert.equal([...similarity.toArray()], [2, 1, 1]);
  });
});

test("a bank of one row and one column works", () => {
  step(() => {
    const { index, similarity } = nearestRows(fromArray([2, -3], [2, 1]), fromArray([4], [1, 1]), 1);
    assert.equal([...index.toArray()], [0, 0]);
    assert.equal([...similarity.toArray()], [8, -12]);
  });
});

test("queries of another width are refused", () => {
  step(() => {
    const fails = (error: Error) => error instanceof ShapeError && /\[1, 3\] and bank \[4, 2\]/.test(error.message);
    assert.throws(() => nearestRows(zeros([1, 3]), bank(), 1), fails);
  });
});

test("more neighbours than the bank offers are refused", () => {
  step(() => {
    assert.throws(() => nearestRows(bank(), bank(), 5), /k is 5, the bank \[4, 2\] offers 1 to 4 rows\./);
    const x = zeros([1, 2]);
    assert.throws(() => nearestRows(x, x, 1, { excludeSelf: true }), /offers 1 to 0 rows besides the query/);
    assert.throws(() => nearestRows(x, x, 0), /k is 0/);
  });
});

test("integers are refused as queries", () => {
  step(() => {
    assert.throws(
      () => nearestRows(fromArray([1, 0], [1, 2], "i32"), bank(), 1),
      (error: Error) => error instanceof DTypeError,
    );
  });
});
