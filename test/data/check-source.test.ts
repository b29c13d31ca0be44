import * as assert from "uvu/assert";
import { checkSource } from "../../src/data/check-source.js";
import type { ImageSource, RawImage } from "../../src/data/dataset.js";
import { imageArray } from "../../src/data/image-array.js";
import { DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";

const image = (width: number, height: number, channels = 3, seed = 0): RawImage => ({
  ...{ width, height, channels },
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7 + seed * 31 + Math.floor(i / 5)) % 251),
});

test("sizes, channels and classes are counted", async () => {
  const images = [image(20, 30), image(40, 40, 1), image(100, 50), image(16, 20)];
  const report = await checkSource(imageArray(images, { labels: [0, 1, 1, 1], classes: ["a", "b", "c"] }));
  assert.is(report.count, 4);
  assert.equal(report.broken, []);
  assert.equal(report.classes, [
    { name: "a", count: 1 },
    { name: "b", count: 3 },
    { name: "c", count: 0 },
  ]);
  assert.equal(report.sizes, {
    min: { width: 16, height: 20 },
    median: { width: 40, height: 40 },
    max: { width: 100, height: 50 },
  });
  assert.equal(report.channels, { 1: 1, 3: 3 });
  assert.equal(report.suspicious, []);
});

test("broken images are listed in order, with the reason without the path, and counted nowhere else", async () => {
  const report = await checkSource(memorySource(20, [13, 2, 7]));
  assert.is(report.count, 17);
  assert.equal(
    report.broken,
    [2, 7, 13].map((index) => ({ path: `memory#${index}`, reason: "is broken." })),
  );
  assert.is(
    report.classes.reduce((sum, { count }) => sum + count, 0),
    17,
  );
});

test("a source of which nothing can be read has a report too", async () => {
  const report = await checkSource(memorySource(3, [0, 1, 2]));
  assert.equal([report.count, report.sizes, report.channels, report.suspicious.length], [0, null, {}, 0]);
  assert.is(report.broken.length, 3);
});

test("images that are equal pixel for pixel are found, also across classes, and nothing else is", async () => {
  const images = [image(20, 20), image(20, 20, 3, 1), image(20, 20), image(20, 20), image(20, 20, 3, 1)];
  const transposed = { ...image(20, 30), width: 30, height: 20 };
  const source = imageArray([...images, image(20, 30), transposed], { labels: [0, 1, 0, 0, 0, 1, 1] });
  assert.equal((await checkSource(source)).duplicates, {
    count: 3,
    acrossClasses: 1,
    groups: [
      ["image 0", "image 2", "image 3"],
      ["image 1", "image 4"],
    ],
  });
});

test("without labels no duplicate lies across classes", async () => {
  const { classes, duplicates } = await checkSource(imageArray([image(20, 20), image(20, 20)]));
  assert.equal([classes, duplicates.count, duplicates.acrossClasses], [[], 1, 0]);
});

test("tiny, long and plain images are suspicious, each with its reason; small data sets are not", async () => {
  const plain = { ...image(100, 100), data: new Uint8Array(30000).fill(7) };
  const images = [image(100, 100, 3, 1), image(15, 200), image(100, 401), image(20, 20), plain, image(100, 400)];
  const { suspicious } = await checkSource(imageArray(images));
  assert.equal(
    suspicious.map(({ path, reason }) => `${path} ${reason}`),
    [
      "image 1 is tiny: 15 × 200 pixels; is very long: 15 × 200 pixels",
      "image 2 is very long: 100 × 401 pixels",
      "image 3 is much smaller than most: 20 × 20 pixels",
      "image 4 has one colour all over",
    ],
  );
  const digits = Array.from({ length: 5 }, (_, i) => squareImage(i, { side: 28 }));
  assert.equal((await checkSource(imageArray(digits))).suspicious, []);
});

test("with strict the first broken image ends it, and no more are read", async () => {
  const source = memorySource(100, [5]);
  try {
    await checkSource(source, { strict: true });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /memory#5/);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(source.reads.length < 12, `${source.reads.length}`);
});

test("progress goes up to the number of images, and few are open at the same time", async () => {
  const base = memorySource(30);
  let [open, most] = [0, 0];
  const slow: ImageSource = {
    ...base,
    async read(index) {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return base.read(index);
    },
  };
  const seen: number[] = [];
  await checkSource(slow, {
    onProgress: (done, total) => {
      assert.is(total, 30);
      seen.push(done);
    },
  });
  assert.equal(
    seen,
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  assert.ok(most > 1 && most <= 4, `${most}`);
});
