import * as assert from "uvu/assert";
import type { LabelMap } from "../../src/data/decode-label-png.js";
import { classCount, labelsOf, surveyMasks } from "../../src/data/mask-meaning.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const mask = (...values: number[]): LabelMap => ({ width: values.length, height: 1, data: Uint16Array.from(values) });
/** A mask with the numbers 0 to n. */
const numbered = (n: number) => mask(...Array.from({ length: n + 1 }, (_, i) => i));

test("masks that number 1 to n without a gap, n from image to image, hold instances", () => {
  const { meaning, reason } = surveyMasks([numbered(12), numbered(3), numbered(300)]);
  assert.equal(meaning, { kind: "foreground" });
  assert.is(reason, "masks number their instances, 3 to 300 in an image");
  assert.is(classCount(meaning), 2);
});

test("masks of 0 and 255 alone are binary", () => {
  const { meaning } = surveyMasks([mask(0, 255, 255), mask(0, 0)]);
  assert.equal(meaning, { kind: "foreground" });
  assert.equal([...labelsOf(mask(0, 255, 7), meaning, "m.png")], [0, 1, 1]);
});

test("all other masks hold classes, 255 none of them", () => {
  assert.equal(surveyMasks([mask(0, 4, 2), mask(1, 255)]).meaning, { kind: "classes", classes: 5 });
  assert.equal(surveyMasks([numbered(1), numbered(0)]).meaning, { kind: "classes", classes: 2 });
  assert.equal(surveyMasks([numbered(3), numbered(2)]).meaning, { kind: "classes", classes: 4 });
  assert.equal(surveyMasks([numbered(20), numbered(20)]).meaning, { kind: "classes", classes: 21 });
  assert.equal(surveyMasks([mask(0)]).meaning, { kind: "classes", classes: 2 });
  refuses(() => surveyMasks([mask(0, 300)]), DataError, "a number is 300, more than the 255 classes that are possible");
});

test("classes are labels, and a number that is none is refused by its place", () => {
  const meaning = { kind: "classes", classes: 3 } as const;
  assert.equal([...labelsOf(mask(0, 2, 255), meaning, "m.png")], [0, 2, 255]);
  const wrong = { width: 2, height: 2, data: Uint16Array.of(0, 1, 2, 3) };
  refuses(() => labelsOf(wrong, meaning, "m.png"), DataError, "m.png: the pixel in row 1, column 1 has class 3");
});
