import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import type { RawImage } from "../../src/data/dataset.js";
import { PackedImages, packedFiles } from "../../src/data/packed-images.js";
import { squareImage } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const identity = { key: "0123456789abcdef", length: 20 };
const imageOf = (index: number) => squareImage(index, { side: 4 + index });

async function filled(count: number, folder = tempFolder()): Promise<string> {
  const { packed } = await PackedImages.writer(folder, identity);
  for (let i = 0; i < count; i++) assert.ok(packed.write(i, imageOf(i)));
  await packed.close();
  return folder;
}

function assertSame(got: RawImage | null | "damaged", index: number): void {
  assert.equal(got, imageOf(index));
}

const imagesOf = (folder: string) => join(folder, packedFiles.images);
const indexOf = (folder: string) => join(folder, packedFiles.index);

test("what is packed is read back, by the one who packed it and by others later", async () => {
  const folder = tempFolder();
  const { packed, damaged } = await PackedImages.writer(folder, identity);
  assert.is(damaged, false);
  assert.is(await packed.read(3), null);
  assert.ok(packed.write(3, imageOf(3)));
  assert.ok(packed.write(7, imageOf(7)));
  assertSame(await packed.read(3), 3);
  await packed.close();
  const reader = (await PackedImages.reader(folder, identity))!;
  assertSame(await reader.read(7), 7);
  assertSame(await reader.read(3), 3);
  assert.is(await reader.read(4), null);
  assert.not.ok(reader.write(4, imageOf(4)), "a reader does not write");
  await reader.close();
});

test("an image is packed once, and its bytes count", async () => {
  const folder = tempFolder();
  const { packed } = await PackedImages.writer(folder, identity);
  packed.write(0, imageOf(0));
  const { bytes } = packed;
  packed.write(0, imageOf(0));
  assert.is(packed.bytes, bytes);
  assert.is(statSync(imagesOf(folder)).size + statSync(indexOf(folder)).size, bytes);
  assert.is(packed.count, 1);
  await packed.close();
});

test("a reader sees what is packed after it has opened the files", async () => {
  const folder = tempFolder();
  const { packed } = await PackedImages.writer(folder, identity);
  const reader = (await PackedImages.reader(folder, identity))!;
  assert.is(await reader.read(5), null);
  for (const i of [4, 5]) packed.write(i, imageOf(i));
  assertSame(await reader.read(5), 5);
  assertSame(await reader.read(4), 4);
  await Promise.all([packed.close(), reader.close()]);
});

test("several threads read at once while one writes, and none sees another image", async () => {
  const folder = await filled(5);
  const { packed } = await PackedImages.writer(folder, identity);
  const program = `
    const { workerData, parentPort } = require("node:worker_threads");
    import(workerData.module).then(async ({ PackedImages }) => {
      const packed = await PackedImages.reader(workerData.folder, workerData.identity);
      const seen = new Map();
      const end = performance.now() + 5000;
      while (seen.size < 20 && performance.now() < end)
        for (let i = 0; i < 20; i++) {
          const image = await packed.read(i);
          if (image) seen.set(i, image);
        }
      await packed.close();
      parentPort.postMessage(seen);
    });`;
  const workerData = { module: new URL("../../src/data/packed-images.js", import.meta.url).href, folder, identity };
  const seen = [0, 1].map(
    () =>
      new Promise<Map<number, RawImage>>((resolve, reject) => {
        const worker = new Worker(program, { eval: true, workerData });
        worker.once("message", resolve).once("error", reject);
      }),
  );
  for (let i = 5; i < 20; i++) {
    packed.write(i, imageOf(i));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const images of await Promise.all(seen)) {
    assert.is(images.size, 20);
    for (const [i, image] of images) assertSame(image, i);
  }
  await packed.close();
});

test("files of other data, or none, give a reader nothing and a writer a new start", async () => {
  const folder = await filled(3);
  const other = { ...identity, key: "fedcba9876543210" };
  assert.is(await PackedImages.reader(tempFolder(), identity), null);
  assert.is(await PackedImages.reader(folder, other), null);
  const { packed, damaged } = await PackedImages.writer(folder, other);
  assert.ok(damaged);
  assert.is(packed.count, 0);
  await packed.close();
});

test("a process that was killed in the middle of an image leaves the others, and no complaint", async () => {
  const folder = await filled(3);
  appendFileSync(imagesOf(folder), new Uint8Array(100));
  appendFileSync(indexOf(folder), new Uint8Array(17));
  const { packed, damaged } = await PackedImages.writer(folder, identity);
  assert.equal([damaged, packed.count], [false, 3]);
  packed.write(3, imageOf(3));
  await packed.close();
  const reader = (await PackedImages.reader(folder, identity))!;
  for (let i = 0; i < 4; i++) assertSame(await reader.read(i), i);
  await reader.close();
});

test("images that were cut off are told, and packed again", async () => {
  const folder = await filled(6);
  truncateSync(imagesOf(folder), statSync(imagesOf(folder)).size - 1);
  const { packed, damaged } = await PackedImages.writer(folder, identity);
  assert.equal([damaged, packed.count], [true, 5]);
  packed.write(5, imageOf(5));
  for (let i = 0; i < 6; i++) assertSame(await packed.read(i), i);
  await packed.close();
});

test("a changed byte of an image is noticed when it is read, and the image can be packed again", async () => {
  const folder = await filled(4);
  const bytes = readFileSync(imagesOf(folder));
  bytes[0] ^= 1;
  writeFileSync(imagesOf(folder), bytes);
  const { packed } = await PackedImages.writer(folder, identity);
  assert.is(await packed.read(0), "damaged");
  assert.is(await packed.read(0), null);
  assertSame(await packed.read(1), 1);
  packed.write(0, imageOf(0));
  assertSame(await packed.read(0), 0);
  await packed.close();
  const reader = (await PackedImages.reader(folder, identity))!;
  assertSame(await reader.read(0), 0);
  await reader.close();
});

test("whatever single byte of the index is changed, no wrong image is read", async () => {
  const folder = await filled(3);
  const good = readFileSync(indexOf(folder));
  for (let at = 0; at < good.length; at++) {
    const changed = Uint8Array.from(good);
    changed[at] ^= 0x10;
    writeFileSync(indexOf(folder), changed);
    const reader = await PackedImages.reader(folder, identity);
    for (let i = 0; i < 3; i++) {
      const image = (await reader?.read(i)) ?? null;
      if (image !== null) assertSame(image, i);
    }
    await reader?.close();
  }
});

test("a reader of files that were begun anew keeps the old ones", async () => {
  const folder = await filled(2);
  const reader = (await PackedImages.reader(folder, identity))!;
  const { packed } = await PackedImages.writer(folder, { ...identity, key: "another0another0" });
  packed.write(0, imageOf(9));
  assertSame(await reader.read(0), 0);
  await Promise.all([packed.close(), reader.close()]);
});

test("an image whose numbers do not fit its size is not packed", async () => {
  const { packed } = await PackedImages.writer(tempFolder(), identity);
  assert.not.ok(packed.write(0, { width: 2, height: 2, channels: 3, data: new Uint8Array(11) }));
  assert.is(packed.count, 0);
  await packed.close();
});
