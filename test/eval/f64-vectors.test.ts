import * as assert from "uvu/assert";
import { addScaled, dot } from "../../src/eval/f64-vectors.js";
import { test } from "../support/test.js";

const a = Float64Array.of(1, 2, 3, 4, 5, 6);
const b = Float64Array.of(1, 10, 100, 1000, 1e4, 1e5);

test("a sum of products is taken over as many entries as asked for", () => {
  assert.equal(
    [0, 1, 3, 4, 5].map((length) => dot(a, b, length)),
    [0, 1, 321, 4321, 54321],
  );
  assert.is(dot(a, b), 654321);
});

test("a multiple is added to as many entries as asked for", () => {
  const sum = a.slice();
  addScaled(sum, 2, b, 3);
  assert.equal([...sum], [3, 22, 203, 4, 5, 6]);
  addScaled(sum, -1, sum);
  assert.equal([...sum], new Array(6).fill(0));
});
