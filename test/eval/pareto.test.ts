import * as assert from "uvu/assert";
import { paretoFront } from "../../src/eval/pareto.js";
import { test } from "../support/test.js";

const choice = (value: number, ...costs: number[]) => ({ value, costs });

test("a choice is on the front unless another is as good and as cheap, and better in one", () => {
  const choices = [choice(0.9, 10), choice(0.8, 5), choice(0.8, 6), choice(0.7, 7), choice(0.95, 30), choice(0.6, 1)];
  assert.equal(paretoFront(choices), [true, true, false, false, true, true]);
});

test("being cheapest in one respect is enough, and so is being best", () => {
  assert.equal(paretoFront([choice(0.5, 2, 9), choice(0.5, 3, 8), choice(0.5, 3, 9), choice(0.6, 99, 99)]), [
    true,
    true,
    false,
    true,
  ]);
});

test("equal choices stand together, on the front or off it", () => {
  assert.equal(paretoFront([choice(1, 1), choice(1, 1)]), [true, true]);
  assert.equal(paretoFront([choice(1, 2), choice(1, 2), choice(1, 1)]), [false, false, true]);
  assert.equal(paretoFront([]), []);
});
