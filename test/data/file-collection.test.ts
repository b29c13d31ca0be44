import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageFolder } from "../../src/data/image-folder.js";
import { batches } from "../../src/data/loader.js";
import { pngOf } from "../support/program.js";
import { squareImage } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const names = ["a.png", "b.png", "c.png", "d.png"];
const folderOf = () => tempFolder(Object.fromEntries(names.map((name, i) => [name, pngOf(squareImage(i))])));
const other = pngOf(squareImage(9, { side: 24 }));

const readAll = async (source: ReturnType<typeof imageFolder>) => {
  const outcomes: string[] = [];
  for (let i = 0; i < source.length; i++) {
    try {
      outcomes.push(`${(await source.read(i)).width}`);
    } catch (error) {
      outcomes.push((error as Error).message);
    }
  }
  return outcomes;
};

test("a file that changes or goes after the fingerprint was taken is told, with what it was", async () => {
  const folder = folderOf();
  const source = imageFolder(folder);
  const print = source.fingerprint();
  const { length } = pngOf(squareImage(1));
  writeFileSync(join(folder, "b.png"), other);
  rmSync(join(folder, "c.png"));
  const [a, b, c, d] = await readAll(source);
  assert.equal([a, d], ["16", "16"]);
  assert.is(b, `${join(folder, "b.png")}: has changed: it was ${length} bytes long and is ${other.length} now.`);
  assert.match(c, /c\.png: cannot be read \(ENOENT\)\. Was it moved or deleted\?$/);
  assert.is(source.fingerprint(), print, "the fingerprint stays that of the images the run began with");
  assert.is.not(imageFolder(folder).fingerprint(), print, "opened anew it is another");
});

test("without a fingerprint files are read as they are", async () => {
  const folder = folderOf();
  const source = imageFolder(folder);
  writeFileSync(join(folder, "b.png"), other);
  assert.equal(await readAll(source), ["16", "24", "16", "16"]);
});

test("images that change or go while batches are read are left out, told once each and counted", async () => {
  const folder = folderOf();
  const source = imageFolder(folder);
  source.fingerprint();
  const warnings: string[] = [];
  const stream = batches(source, { batchSize: 2, passes: 3, onWarning: (message) => warnings.push(message) });
  let passes = 0;
  for await (const { pass, images } of stream) {
    assert.is(images.length, 2);
    if (pass === passes) continue;
    passes = pass;
    if (pass === 1) {
      writeFileSync(join(folder, "b.png"), other);
      rmSync(join(folder, "c.png"));
    }
  }
  assert.is(stream.broken.size, 2);
  assert.is(warnings.length, 2);
  for (const part of ["b.png: has changed: ", "c.png: cannot be read (ENOENT)"])
    assert.ok(warnings.some((warning) => warning.includes(part) && warning.endsWith("Left out.")));
});
