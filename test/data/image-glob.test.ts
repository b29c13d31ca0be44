import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageGlob } from "../../src/data/image-glob.js";
import { DataError } from "../../src/errors.js";
import { imageFixture } from "../support/image-fixtures.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png");
const folder = tempFolder({
  "cats/1.png": png,
  "cats/old/2.jpg": png,
  "dogs/3.png": png,
  "dogs/notes.txt": "",
  "top.png": png,
  ".hidden/4.png": png,
  "texts/a.txt": "",
});

function paths(pattern: string): string[] {
  const source = imageGlob(join(folder, pattern));
  return Array.from({ length: source.length }, (_, i) => source.path(i).slice(folder.length + 1));
}

test("a pattern chooses files at any depth, in the order of their paths", () => {
  assert.equal(paths("**/*.png"), ["cats/1.png", "dogs/3.png", "top.png"]);
  assert.equal(paths("*/*.png"), ["cats/1.png", "dogs/3.png"]);
  assert.equal(paths("{dogs,cats}/**/*.{png,jpg}"), ["cats/1.png", "cats/old/2.jpg", "dogs/3.png"]);
  assert.equal(paths("*/[0-2].???"), ["cats/1.png"]);
  assert.equal(paths("dogs/*"), ["dogs/3.png"]);
});

test("the class is the first sub-folder below the part without wildcards", async () => {
  const source = imageGlob(join(folder, "*/**/*.*g"));
  assert.equal(
    [source.classes, [...source.labels!]],
    [
      ["cats", "dogs"],
      [0, 0, 1],
    ],
  );
  assert.is((await source.read(1)).width, 32);
  assert.is(imageGlob(join(folder, "**/*.png")).labels, null);
});

test("a pattern without a match, or without an image, says what is there", () => {
  refuses(() => imageGlob(join(folder, "*.webp")), DataError, "nothing matches");
  refuses(() => imageGlob("no-such-folder/*.png"), DataError, "nothing matches no-such-folder/*.png");
  refuses(() => imageGlob(join(folder, "texts/*")), DataError, "its files are 1 .txt");
});

test("a fingerprint follows what matches, not how it was asked for", () => {
  const print = (pattern: string) => imageGlob(join(folder, pattern)).fingerprint();
  assert.is(print("*/1.png"), print("c*/1.png"));
  assert.is.not(print("*.png"), print("**/*.png"));
});
