import * as assert from "uvu/assert";
import { memoryCache } from "../../src/data/memory-cache.js";
import { DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { test } from "../support/test.js";

test("an image is read once and the same one handed out from then on", async () => {
  const source = memorySource(6);
  const cached = memoryCache(source, 1000);
  const first = await Promise.all([0, 1, 5].map((index) => cached.read(index)));
  const again = await Promise.all([0, 1, 5].map((index) => cached.read(index)));
  assert.equal(source.reads, [0, 1, 5]);
  assert.ok(first.every((image, i) => image === again[i]));
  assert.equal(
    first.map(({ data }) => data[0]),
    [0, 1, 5],
  );
});

test("images beyond the bound are read each time", async () => {
  const source = memorySource(6);
  const cached = memoryCache(source, 2);
  for (const index of [0, 1, 2, 0, 1, 2]) assert.is((await cached.read(index)).data[0], index);
  assert.equal(source.reads, [0, 1, 2, 2]);
});

test("a broken image stays broken and takes no place", async () => {
  const cached = memoryCache(memorySource(3, [1]), 1);
  for (let i = 0; i < 2; i++) {
    try {
      await cached.read(1);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, DataError);
    }
  }
  await cached.read(0);
  assert.is(await cached.read(0), await cached.read(0));
});

test("everything but reading is the source's own", () => {
  const source = memorySource(4);
  const cached = memoryCache(source, 10);
  assert.equal([cached.name, cached.length, cached.path(2)], [source.name, 4, "memory#2"]);
  assert.is(cached.labels, source.labels);
  assert.is(cached.fingerprint(), source.fingerprint());
});
