import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { resolveConfig } from "../../src/poa/config.js";
import { cacheBytes, cachedSource } from "../../src/train/cached-source.js";
import { diskCacheIn } from "../../src/train/disk-cache.js";
import { memorySource } from "../support/memory-source.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const trainOf = (...overrides: string[]) => resolveConfig({}, { preset: "vit-tiny", overrides }).config.train;

async function readTwice(overrides: string[], folder?: string): Promise<number[]> {
  const source = memorySource(4);
  const cached = cachedSource(source, trainOf(...overrides), { diskCache: folder ? diskCacheIn(folder) : undefined });
  for (const index of [0, 1, 0, 1]) await cached.source.read(index);
  cached.close();
  return source.reads;
}

test("images are decoded each time, or once and kept in memory or on disk", async () => {
  const folder = join(tempFolder(), "cache");
  assert.equal(await readTwice([]), [0, 1, 0, 1]);
  assert.equal(await readTwice(["train.cache=memory"]), [0, 1]);
  assert.not.ok(existsSync(folder));
  assert.equal(await readTwice(["train.cache=disk"], folder), [0, 1]);
  assert.equal(await readTwice(["train.cache=disk"], folder), []);
});

test("images on disk need a disk", () => {
  assert.throws(
    () => cachedSource(memorySource(4), trainOf("train.cache=disk"), {}),
    (error: unknown) => error instanceof ConfigError && /diskCache/.test(error.message),
  );
});

test("what is kept is bounded, by the settings or by a default of its kind", () => {
  assert.is(cacheBytes(trainOf("train.cache=memory")), 2 * 2 ** 30);
  assert.is(cacheBytes(trainOf("train.cache=disk")), 16 * 2 ** 30);
  assert.is(cacheBytes(trainOf("train.cache=memory", "train.cache_gib=0.5")), 2 ** 29);
});
