import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { relativePositionBias, relativePositionIndex } from "../../src/nn/relative-position.js";
import { contiguous } from "../../src/ops/layout.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("the number of an offset counts rows, then columns, from the farthest up and left", () => {
  assert.equal([...relativePositionIndex(1)], [0]);
  assert.equal([...relativePositionIndex(2)], [4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]);
  const index = relativePositionIndex(7);
  assert.equal([index.length, Math.min(...index), Math.max(...index)], [49 * 49, 0, 168]);
  assert.is(index[0], 6 * 13 + 6, "a cell and itself are in the middle of the table");
});

test("the bias of a head is its column of the table by offset, also of a table seen in part", async () => {
  await init();
  const table = fromArray([...Array(27).keys()], [9, 3]);
  step(() => {
    const bias = relativePositionBias(table.narrow(1, 0, 2), 2);
    assert.equal(bias.shape, [2, 4, 4]);
    const expected = [0, 1].flatMap((head) => Array.from(relativePositionIndex(2), (at) => 3 * at + head));
    assert.equal([...bias.toArray()], expected);
  });
});

test("the gradient of an offset is the sum over the pairs that have it", async () => {
  await initDouble();
  const table = leaf([9, 3], 1);
  gradcheck(() => contiguous(relativePositionBias(table.narrow(1, 0, 2), 2)), [table]);
});
