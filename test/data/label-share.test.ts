import * as assert from "uvu/assert";
import type { ImageSource } from "../../src/data/dataset.js";
import { splitByLabel } from "../../src/data/label-share.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const source = memorySource(100); // classes of 40, 40 and 20
const paths = (part: ImageSource) => Array.from({ length: part.length }, (_, i) => part.path(i));
const sizes = (part: ImageSource) => part.classes.map((_, c) => part.labels!.filter((label) => label === c).length);

test("each class gives its share, and both parts together are the source", () => {
  const [few, rest] = splitByLabel(source, 0.1, 1);
  assert.equal(
    [sizes(few), sizes(rest)],
    [
      [4, 4, 2],
      [36, 36, 18],
    ],
  );
  assert.equal([...paths(few), ...paths(rest)].sort(), paths(source).sort());
});

test("a class gives at least one image, however small the share", () => {
  assert.equal(sizes(splitByLabel(source, 0.001, 1)[0]), [1, 1, 1]);
});

test("the seed decides which, and nothing else", () => {
  const chosen = (seed: number) => paths(splitByLabel(source, 0.3, seed)[0]);
  assert.equal(chosen(1), chosen(1));
  assert.not.equal(chosen(1), chosen(2));
});

test("shares that are none, and images without labels, are refused", () => {
  for (const share of [0, 1, Number.NaN])
    refuses(() => splitByLabel(source, share, 1), ConfigError, `share of ${share}`);
  refuses(() => splitByLabel({ ...source, labels: null }, 0.5, 1), DataError, "has no labels");
});
