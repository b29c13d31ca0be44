import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { add } from "../../src/ops/elementwise.js";
import { gatherRows } from "../../src/ops/gather.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("rows are gathered in the order of the index, from an array or a tensor", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4, 5, 6], [3, 2]);
  for (const index of [Int32Array.of(2, 0, 2), fromArray([2, 0, 2], [3], "i32")]) {
    assert.equal(
      step(() => [...gatherRows(x, index).toArray()]),
      [5, 6, 1, 2, 5, 6],
    );
  }
  assert.equal(
    step(() => gatherRows(x, Int32Array.of()).shape),
    [0, 2],
  );
  assert.equal(
    step(() => [...gatherRows(fromArray([7], [1, 1]), Int32Array.of(0)).toArray()]),
    [7],
  );
});

test("patch rows are counted over samples although class tokens lie between them", async () => {
  await init();
  const tokens = fromArray([...Array(24).keys()], [2, 4, 3]);
  const patches = tokens.narrow(1, 1, 3); // flat patch 3 is sample 1, patch 0
  assert.equal(
    step(() => [...gatherRows(patches, Int32Array.of(0, 3, 5)).toArray()]),
    [3, 4, 5, 15, 16, 17, 21, 22, 23],
  );
  assert.equal(
    step(() => [...gatherRows(patches.narrow(2, 1, 2), Int32Array.of(4)).toArray()]),
    [19, 20],
  );
});

test("gradients of gathered rows add up where an index repeats, and are zero elsewhere", async () => {
  await initDouble();
  const [x, tokens] = [leaf([4, 3], 1), leaf([2, 4, 6], 2)];
  gradcheck(() => gatherRows(x, Int32Array.of(2, 0, 2, 2)), [x]);
  gradcheck(() => gatherRows(x, Int32Array.of()), [x]);
  gradcheck(() => gatherRows(tokens.narrow(1, 1, 3), Int32Array.of(5, 1, 3, 5)), [tokens]);
  gradcheck(() => gatherRows(tokens.narrow(1, 1, 3).narrow(2, 0, 2), Int32Array.of(4, 0)), [tokens]);
  gradcheck(() => add(gatherRows(x, Int32Array.of(0, 1)), gatherRows(x, Int32Array.of(1, 3))), [x]);
});

test("rows that are not there or not in line are refused with a message", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4, 5, 6], [3, 2]);
  refuses(
    () => gatherRows(x, Int32Array.of(0, 3)),
    ShapeError,
    "gatherRows: index[1] is 3, outside the 3 rows of x [3, 2].",
  );
  refuses(() => gatherRows(x, Int32Array.of(-1)), ShapeError, "gatherRows: index[0] is -1");
  refuses(() => gatherRows(x.permute([1, 0]), Int32Array.of(0)), ShapeError, "gatherRows: the rows of x [2, 3]");
  refuses(() => gatherRows(x, x), DTypeError, "gatherRows: index is [3, 2] f32, expected i32.");
});
