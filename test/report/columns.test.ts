import * as assert from "uvu/assert";
import { Columns } from "../../src/report/columns.js";
import { test } from "../support/test.js";

test("a number that is missing is NaN, before and after a key first came", () => {
  const columns = new Columns();
  columns.append(0, { a: 1 });
  columns.append(1, { a: 2, b: 5 });
  columns.append(2, { b: 6 });
  assert.equal(columns.iterations, [0, 1, 2]);
  assert.equal(columns.keys, ["a", "b"]);
  assert.equal(columns.values("a"), [1, 2, Number.NaN]);
  assert.equal(columns.values("b"), [Number.NaN, 5, 6]);
  assert.equal(columns.values("c"), []);
  assert.is(columns.last("a"), 2);
  assert.ok(Number.isNaN(columns.last("c")));
});

test("a run that was continued from an earlier step replaces what came after it", () => {
  const columns = new Columns();
  for (const iteration of [0, 1, 2, 3]) assert.is(columns.append(iteration, { a: iteration }), 0);
  assert.is(columns.append(2, { a: 20 }), 2);
  assert.equal(columns.iterations, [0, 1, 2]);
  assert.equal(columns.values("a"), [0, 1, 20]);
});

test("numbers that were worked out stand at the same iterations", () => {
  const columns = new Columns();
  columns.append(4, { a: 1 });
  columns.append(9, { a: 2 });
  const doubled = columns.derived({ twice: columns.values("a").map((a) => 2 * a) });
  assert.equal(doubled.iterations, [4, 9]);
  assert.equal(doubled.values("twice"), [2, 4]);
});
