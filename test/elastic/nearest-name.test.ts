import * as assert from "uvu/assert";
import { editDistance, nearestName } from "../../src/elastic/nearest-name.js";
import { test } from "../support/test.js";

test("one insertion, deletion, replacement or swap is one edit, and case is none", () => {
  assert.is(editDistance("patch", "patch"), 0);
  assert.is(editDistance("patch", "PATCH"), 0);
  for (const word of ["patcch", "ptch", "patck", "pathc"]) assert.is(editDistance(word, "patch"), 1, word);
  assert.is(editDistance("kitten", "sitting"), 3);
  assert.is(editDistance("", "abc"), 3);
});

test("the closest candidate is found, and none when all are far", () => {
  const words = ["pretrain", "resume", "embed", "export"];
  assert.is(nearestName("pretrian", words), "pretrain");
  assert.is(nearestName("exprot", words), "export");
  assert.is(nearestName("frobnicate", words), undefined);
  assert.is(nearestName("x".repeat(100_000), words), undefined);
  assert.is(nearestName("embed", []), undefined);
});

test("of equally close candidates the first wins", () => {
  assert.is(nearestName("beta", ["beta1", "beta2"]), "beta1");
});
