import * as assert from "uvu/assert";
import { numberLabels } from "../../src/data/labels.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

function numbered(...labels: (string | null)[]): [number[] | null, string[]] {
  const { labels: found, classes } = numberLabels(labels, (index) => `image ${index}`);
  return [found && [...found], classes];
}

test("whole numbers are the classes themselves, anything else is a name", () => {
  assert.equal(numbered("2", "0", "2"), [
    [2, 0, 2],
    ["0", "1", "2"],
  ]);
  assert.equal(numbered("b", "a", "10"), [
    [2, 1, 0],
    ["10", "a", "b"],
  ]);
  assert.equal(numbered("-1", "0"), [
    [0, 1],
    ["-1", "0"],
  ]);
});

test("numbers that are too large to count up to are names", () => {
  assert.equal(numbered("2084071", "65535"), [
    [0, 1],
    ["2084071", "65535"],
  ]);
  assert.is(numbered("65535")[1].length, 65_536);
});

test("none at all is no labels, and some of them an error that names the first image without", () => {
  assert.equal(numbered(null, null), [null, []]);
  refuses(() => numbered("a", null, null), DataError, "image 1: has no label, 1 of the 3 images have one");
});
