import * as assert from "uvu/assert";
import { Cholesky } from "../../src/eval/cholesky.js";
import { close } from "../support/close.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

test("a solution by hand", () => {
  const a = [Float64Array.of(3, 0), Float64Array.of(2, 5)]; // the upper half is not read
  const b = Float64Array.of(8, 16);
  new Cholesky(a, { scale: 1, shift: 1 }).solve(b); // [[4, 2], [2, 6]] · [0.8, 2.4]
  close(b, [0.8, 2.4], 1e-15);
});

test("what solves the equations gives back their right side", () => {
  const n = 23;
  const root = numbers([n, n], 1);
  const a = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += root[i * n + k] * root[j * n + k];
      return sum;
    }),
  );
  const right = numbers([n], 2);
  const x = right.slice();
  new Cholesky(a, { scale: 0.7, shift: 0.1 }).solve(x);
  const back = a.map((row, i) => row.reduce((sum, value, j) => sum + 0.7 * value * x[j], 0.1 * x[i]));
  close(back, right, 1e-12);
});

test("a matrix without inverse is solved with its shift", () => {
  const ones = Array.from({ length: 6 }, () => new Float64Array(6).fill(1));
  const b = new Float64Array(6).fill(1);
  new Cholesky(ones, { scale: 1, shift: 1e-9 }).solve(b);
  close(b, new Array(6).fill(1 / 6), 1e-6);
  assert.ok(b.every(Number.isFinite));
});
