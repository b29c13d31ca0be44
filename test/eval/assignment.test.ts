import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { leastCostAssignment } from "../../src/eval/assignment.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const totalOf = (cost: ArrayLike<number>, cols: number, colOf: Int32Array) =>
  colOf.reduce((sum, col, row) => (col < 0 ? sum : sum + cost[row * cols + col]), 0);

/** The least total by trying every assignment. */
function least(cost: readonly number[], rows: number, cols: number): number {
  const from = (row: number, used: number, left: number): number => {
    if (row === rows) return left === 0 ? 0 : Number.POSITIVE_INFINITY;
    let best = rows - row > left ? from(row + 1, used, left) : Number.POSITIVE_INFINITY; // the row goes without
    for (let col = 0; col < cols; col++) {
      if ((used >> col) & 1 || left === 0) continue;
      best = Math.min(best, cost[row * cols + col] + from(row + 1, used | (1 << col), left - 1));
    }
    return best;
  };
  return from(0, 0, Math.min(rows, cols));
}

test("a square of costs by hand", () => {
  const cost = [4, 1, 3, /**/ 2, 0, 5, /**/ 3, 2, 2];
  assert.equal([...leastCostAssignment(cost, 3, 3)], [1, 0, 2]);
});

test("no assignment is cheaper, whatever the numbers of rows and columns, with ties and negative costs", () => {
  const next = seeded(11);
  for (const [rows, cols] of [
    [1, 1],
    [1, 4],
    [4, 1],
    [3, 5],
    [5, 3],
    [6, 6],
  ]) {
    for (let trial = 0; trial < 25; trial++) {
      const cost = Array.from({ length: rows * cols }, () =>
        trial % 2 === 0 ? Math.floor(6 * next()) - 3 : 2 * next() - 1,
      );
      const colOf = leastCostAssignment(cost, rows, cols);
      const taken = [...colOf].filter((col) => col >= 0);
      assert.is(taken.length, Math.min(rows, cols));
      assert.is(new Set(taken).size, taken.length);
      const expected = least(cost, rows, cols);
      assert.ok(Math.abs(totalOf(cost, cols, colOf) - expected) < 1e-9, `${rows} × ${cols}, trial ${trial}`);
    }
  }
});

test("a hidden permutation of 300 is found", () => {
  const n = 300;
  const next = seeded(5);
  const hidden = Array.from({ length: n }, (_, i) => (i * 7) % n);
  const cost = Float64Array.from({ length: n * n }, (_, i) => next() - (hidden[Math.floor(i / n)] === i % n ? 1 : 0));
  assert.equal([...leastCostAssignment(cost, n, n)], hidden);
});

test("nothing to assign is no fault; costs of another number are", () => {
  assert.equal([...leastCostAssignment([], 0, 3)], []);
  assert.equal([...leastCostAssignment([], 2, 0)], [-1, -1]);
  refuses(() => leastCostAssignment([1, 2], 1, 3), ShapeError, "2 costs for 1 rows and 3 columns, expected 3");
});
