import * as assert from "uvu/assert";
import { backgroundFigures, foregroundOf, type VariantAnswers } from "../../src/eval/backgrounds.js";
import { test } from "../support/test.js";

function answers(
  name: string,
  rows: readonly (readonly [foreground: string, label: number, seen: number])[],
): VariantAnswers {
  return {
    name,
    labels: Int32Array.from(rows, ([, label]) => label),
    predictions: Int32Array.from(rows, ([, , seen]) => seen),
    foregrounds: rows.map(([foreground]) => foreground),
  };
}

const same = answers("mixed_same", [
  ["a", 0, 0],
  ["b", 0, 0],
  ["c", 1, 1],
  ["d", 1, 0],
]);
const random = answers("mixed_rand", [
  ["a", 0, 0],
  ["b", 0, 1],
  ["c", 1, 0],
  ["d", 1, -1],
]);
const original = answers("original", [
  ["a", 0, 0],
  ["b", 0, 0],
  ["c", 1, 1],
  ["d", 1, 0],
  ["e", 1, 1],
]);
const bare = answers("only_bg_t", [
  ["a", 0, 1],
  ["e", 1, 0],
]);

test("a foreground is told by the name of its file, with a background in it or without", () => {
  const names = [
    "in9/mixed_rand/val/00_dog/fg_n0208_10_bg_n0153_6.JPEG",
    "original\\00_dog\\n0208_10.jpeg",
    "n0208_10",
  ];
  assert.equal(names.map(foregroundOf), ["n0208_10", "n0208_10", "n0208_10"]);
});

test("accuracies are compared with the original, whatever the order of the variants", () => {
  const figures = backgroundFigures([same, random, original, bare]);
  const top1 = Object.fromEntries(Object.entries(figures.variants).map(([name, variant]) => [name, variant.top1]));
  assert.equal(top1, { mixed_same: 0.75, mixed_rand: 0.25, original: 0.8, only_bg_t: 0 });
  assert.is(figures.reference, "original");
  assert.equal(Object.keys(figures.differences), ["mixed_same", "mixed_rand", "only_bg_t"]);
  assert.ok(Math.abs(figures.differences.mixed_rand - 0.55) < 1e-12);
  assert.is(figures.backgroundGap, 0.5);
  const { low, high } = figures.variants.mixed_same.interval;
  assert.ok(low <= 0.75 && 0.75 <= high && low < high);
});

test("of foregrounds on several backgrounds, those that are missed on some and those that only other backgrounds flip", () => {
  const { foregrounds, vulnerable, flipped } = backgroundFigures([original, same, random, bare]);
  // a is right everywhere, b and c are flipped by mixed_rand, d is missed everywhere, e has one background
  assert.equal({ foregrounds, vulnerable, flipped }, { foregrounds: 4, vulnerable: 0.75, flipped: 0.5 });
});

test("equal names in different classes are different foregrounds", () => {
  const { foregrounds } = backgroundFigures([answers("original", [["a", 0, 0]]), answers("other", [["a", 1, 1]])]);
  assert.is(foregrounds, 0);
});

test("one variant alone has nothing to be compared with", () => {
  const { reference, differences, backgroundGap, vulnerable, flipped } = backgroundFigures([same]);
  assert.equal([reference, differences, backgroundGap, vulnerable, flipped], ["mixed_same", {}, null, null, null]);
});
