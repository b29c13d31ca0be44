import * as assert from "uvu/assert";
import type { Depth } from "../../src/elastic/space.js";
import { Resamples } from "../../src/eval/bootstrap.js";
import { type Answers, monotonicityViolations, spearman, totalDepth } from "../../src/eval/monotonicity.js";
import { test } from "../support/test.js";

const QUESTIONS = 200;
const resamples = new Resamples(QUESTIONS);

/** A network that gets the questions from `first` to `last` − 1 right. */
function answers(width: number, depth: Depth, [first, last]: [number, number]): Answers {
  const correct = Uint8Array.from({ length: QUESTIONS }, (_, i) => (i >= first && i < last ? 1 : 0));
  return { network: { name: `${width}x${depth}`, width, depth }, correct };
}

test("a bigger network that is worse by more than chance is named, with how much", () => {
  const found = monotonicityViolations([answers(8, 1, [0, 160]), answers(16, 1, [0, 120])], resamples);
  assert.is(found.length, 1);
  const [{ smaller, bigger, difference, interval }] = found;
  assert.equal([smaller, bigger, difference], ["8x1", "16x1", 0.2]);
  // 40 of 200 questions are decided for the smaller one: 0.2 ± 1.96 · √(0.2 · 0.8 / 200).
  assert.ok(Math.abs(interval.low - 0.145) < 0.01 && Math.abs(interval.high - 0.255) < 0.01);
});

test("a difference within chance, none, and one in favour of the bigger network are no violations", () => {
  const small = answers(8, 1, [0, 100]);
  assert.equal(monotonicityViolations([small, answers(16, 1, [0, 98])], resamples), []);
  assert.equal(monotonicityViolations([small, answers(16, 1, [0, 100])], resamples), []);
  assert.equal(monotonicityViolations([small, answers(16, 1, [0, 180])], resamples), []);
});

test("what counts is the difference on the same questions: the same accuracies may leave no doubt, or much", () => {
  const small = answers(8, 1, [0, 100]);
  const nested = answers(16, 1, [10, 100]);
  const other = answers(16, 1, [110, 200]);
  assert.is(monotonicityViolations([small, nested], resamples).length, 1);
  assert.is(monotonicityViolations([small, other], resamples).length, 0);
});

test("only pairs are compared of which one network is no wider and no deeper", () => {
  const good = [0, 200] as [number, number];
  const bad = [0, 50] as [number, number];
  assert.equal(monotonicityViolations([answers(8, 3, good), answers(16, 2, bad)], resamples), []);
  assert.equal(monotonicityViolations([answers(16, 2, good), answers(8, 3, bad)], resamples), []);
  const pairs = [answers(8, 2, good), answers(8, 3, bad), answers(16, 2, [0, 100]), answers(16, 3, bad)];
  assert.equal(
    monotonicityViolations(pairs, resamples).map(({ smaller, bigger }) => `${smaller} ${bigger}`),
    ["8x2 8x3", "8x2 16x3", "8x2 16x2", "16x2 16x3"],
  );
});

test("depths of several stages are compared stage by stage", () => {
  const good = [0, 200] as [number, number];
  const bad = [0, 50] as [number, number];
  assert.is(
    monotonicityViolations([answers(8, [1, 1, 2, 1], good), answers(8, [1, 2, 2, 1], bad)], resamples).length,
    1,
  );
  assert.is(
    monotonicityViolations([answers(8, [1, 1, 2, 1], good), answers(8, [1, 2, 1, 1], bad)], resamples).length,
    0,
  );
  assert.equal([totalDepth([3, 4, 6, 3]), totalDepth(12)], [16, 12]);
});

test("Spearman's correlation is that of the ranks, ties sharing theirs", () => {
  assert.is(spearman([1, 2, 3, 4], [10, 20, 30, 1000]), 1);
  assert.is(spearman([1, 2, 3], [3, 2, 1]), -1);
  // By hand: ranks 0 1 2 3 4 and 1 0 3 2 4; 1 − 6 Σd²/(n³ − n) with Σd² = 4.
  assert.ok(Math.abs(spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50])! - (1 - 24 / 120)) < 1e-12);
  // By hand: ranks 0.5 0.5 2 and 0 1 2, centred −0.5 −0.5 1 and −1 0 1: 1.5 / √(1.5 · 2).
  assert.ok(Math.abs(spearman([1, 1, 2], [1, 2, 3])! - 1.5 / Math.sqrt(3)) < 1e-12);
});

test("there is no correlation with what does not vary", () => {
  assert.is(spearman([1, 1, 1], [1, 2, 3]), null);
  assert.is(spearman([1, 2, 3], [5, 5, 5]), null);
});
