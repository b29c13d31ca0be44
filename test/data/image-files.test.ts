import { join } from "node:path";
import * as assert from "uvu/assert";
import { encodePng } from "../../src/data/encode-png.js";
import { imageFiles } from "../../src/data/image-files.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { squareImage } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const folder = tempFolder({
  "b.png": encodePng(squareImage(1)),
  "a.png": encodePng(squareImage(2)),
  "c.png": "no image",
});
const paths = ["b.png", "a.png", "c.png", "gone.png"].map((name) => join(folder, name));

test("files are read in the order in which they are named", async () => {
  const source = imageFiles(paths.slice(0, 2));
  assert.equal([source.length, source.labels, source.classes], [2, null, []]);
  assert.equal(await source.read(0), squareImage(1));
  assert.equal([await source.read(1), source.path(1)], [squareImage(2), paths[1]]);
});

test("a broken or missing file is told by name when it is read", async () => {
  const source = imageFiles(paths);
  for (const index of [2, 3]) {
    let message = "";
    try {
      await source.read(index);
    } catch (error) {
      assert.instance(error, DataError);
      message = (error as Error).message;
    }
    assert.ok(message.startsWith(paths[index]), message);
  }
});

test("the fingerprint changes with names, order and sizes", () => {
  const prints = [paths, paths.slice(0, 2), paths.slice(0, 2).reverse()].map((list) => imageFiles(list).fingerprint());
  assert.is(new Set(prints).size, 3);
  assert.is(imageFiles(paths).fingerprint(), prints[0]);
});

test("no file at all is refused", () => refuses(() => imageFiles([]), DataError, "expected at least one"));
