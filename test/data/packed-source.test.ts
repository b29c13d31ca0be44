import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { PackedImages, packedFiles } from "../../src/data/packed-images.js";
import { type DecodedImage, packedSource } from "../../src/data/packed-source.js";
import { memorySource } from "../support/memory-source.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const identity = { key: "0123456789abcdef", length: 6 };

/** A folder with the images 0 and 1 packed, and a source that reads through it. */
async function packedTwo({ wanted = new Int32Array(new SharedArrayBuffer(4)).fill(1) } = {}) {
  const folder = tempFolder();
  const source = memorySource(6, [5]);
  const { packed } = await PackedImages.writer(folder, identity);
  for (const i of [0, 1]) packed.write(i, await memorySource(6).read(i));
  const told: DecodedImage[] = [];
  const reading = packedSource(source, { folder, identity, wanted }, (decoded) => told.push(decoded));
  const read = async (index: number) => (await reading.read(index)).data[0];
  return { folder, packed, source, reading, told, read };
}

test("what is packed is read, what is not is decoded and told, also what is packed later", async () => {
  const { packed, source, told, read } = await packedTwo();
  assert.equal([await read(0), await read(1), await read(2)], [0, 1, 2]);
  assert.equal(source.reads, [2]);
  assert.equal(
    told.map(({ index, image, damaged }) => [index, image.data[0], damaged]),
    [[2, 2, false]],
  );
  packed.write(2, told[0].image);
  assert.is(await read(2), 2);
  assert.equal(source.reads, [2]);
  await packed.close();
});

test("nothing is told once nothing is wanted", async () => {
  const wanted = new Int32Array(new SharedArrayBuffer(4));
  const { packed, told, read } = await packedTwo({ wanted });
  assert.is(await read(3), 3);
  assert.equal(told, []);
  await packed.close();
});

test("a damaged image is decoded and told as such, once", async () => {
  const { folder, packed, told, read } = await packedTwo();
  const path = join(folder, packedFiles.images);
  writeFileSync(
    path,
    readFileSync(path).map((byte) => byte ^ 8),
  );
  assert.equal([await read(1), await read(1)], [1, 1]);
  assert.equal(
    told.map(({ index, damaged }) => [index, damaged]),
    [
      [1, true],
      [1, false],
    ],
  );
  packed.forget(1);
  packed.write(1, told[0].image);
  assert.is(await read(1), 1);
  assert.is(told.length, 2);
  await packed.close();
});

test("without files, or with files of other data, images come from the source; broken ones stay broken", async () => {
  const { folder, packed, reading } = await packedTwo();
  const source = memorySource(6);
  for (const place of [
    { folder: join(folder, "none"), identity, wanted: null },
    { folder, identity: { ...identity, key: "fedcba9876543210" }, wanted: null },
  ]) {
    const other = packedSource(source, place, () => assert.unreachable());
    assert.is((await other.read(1)).data[0], 1);
  }
  assert.equal(source.reads, [1, 1]);
  await Promise.resolve(reading.read(5)).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /memory#5/),
  );
  await packed.close();
});
