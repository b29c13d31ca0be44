import * as assert from "uvu/assert";
import { BrokenImages } from "../../src/data/broken-images.js";
import { DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("each image is told once, and the last one that could be read is an error", () => {
  const warnings: string[] = [];
  const images = new BrokenImages(memorySource(3), (message) => warnings.push(message));
  for (const index of [2, 2, 0, 2]) images.add(index, `memory#${index}: is broken.`);
  assert.equal(warnings, ["memory#2: is broken. Left out.", "memory#0: is broken. Left out."]);
  assert.equal([...images.reasons.keys()], ["memory#2", "memory#0"]);
  refuses(
    () => images.add(1, "x"),
    DataError,
    "none of the 3 images of memory can be read. The first: memory#2: is broken.",
  );
});
