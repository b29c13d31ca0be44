import * as assert from "uvu/assert";
import { buckets } from "../../../src/train/mpi/buckets.js";
import { test } from "../../support/test.js";

const lengthsOf = (lengths: readonly number[], capacity: number) =>
  [
    ...buckets(
      lengths.map((length) => new Float32Array(length)),
      capacity,
    ),
  ].map((parts) => parts.map(({ length }) => length));

test("arrays fill buckets one after the other, and are cut where a bucket is full", () => {
  assert.equal(lengthsOf([2, 3, 9, 1], 4), [[2, 2], [1, 3], [4], [2, 1]]);
  assert.equal(lengthsOf([4, 4], 4), [[4], [4]]);
  assert.equal(lengthsOf([0, 3, 0], 4), [[3]]);
  assert.equal(lengthsOf([], 4), []);
});

test("parts are views: what is written to them arrives in the arrays", () => {
  const arrays = [new Float32Array(3), new Float32Array(2)];
  for (const bucket of buckets(arrays, 2)) for (const part of bucket) part.fill(7);
  assert.equal(
    arrays.map((array) => [...array]),
    [
      [7, 7, 7],
      [7, 7],
    ],
  );
});
