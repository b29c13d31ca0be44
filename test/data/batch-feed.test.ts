import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { BatchFeed, type FeedOptions, usualWorkers } from "../../src/data/batch-feed.js";
import type { ImageSource } from "../../src/data/dataset.js";
import { memoryCache } from "../../src/data/memory-cache.js";
import { MultiCrop } from "../../src/data/multi-crop.js";
import { openSource } from "../../src/data/source-spec.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { coreCount } from "../../src/runtime/host-worker.js";
import { imagesIn } from "../support/program.js";
import { refuses } from "../support/refuses.js";
import { squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const options = { globalCropsSize: 12, localCropsSize: 8, localCropsNumber: 3, blurKernel: 3 } as const;
const crops = new MultiCrop(options);
const slots = crops.allocate(4);
const targets = [slots.globals, slots.locals];

const folder = imagesIn(tempFolder(), 7); // passes of 3 batches of 4, two images left out of each
const broken = ["left/002.png", "left/004.png", "right/009.png"];
for (const path of broken) writeFileSync(join(folder, path), "no image");
const source = await openSource(folder);

function feedOf(changes: Partial<FeedOptions> = {}, images: ImageSource = source): BatchFeed {
  const inputs = { kind: "crops", options } as const;
  return new BatchFeed(images, {
    batchSize: 4,
    seed: 3,
    channels: 3,
    inputs,
    targets,
    held: 1,
    workers: 0,
    ...changes,
  });
}

/** Everything that a step sees of the batches first, first + 1, ..., last. */
async function seen(feed: BatchFeed, first: number, last: number): Promise<string[]> {
  const batches: string[] = [];
  for (let i = first; i <= last; i++) {
    const batch = await feed.read(i);
    for (const target of targets) target.write(new Float32Array(target.numel));
    if ("copyInputs" in batch) batch.copyInputs();
    else crops.write(batch.images, { seed: 3, epoch: batch.pass, samples: batch.indices }, slots);
    const { iteration, pass, indices, labels } = batch;
    const bits = targets.map((x) => Buffer.from(new Uint8Array(Float32Array.from(x.toArray()).buffer)).toString("hex"));
    batches.push([iteration, pass, ...indices, ...(labels ?? []), ...bits].join(" "));
  }
  return batches;
}

/** What a feed of some workers delivers and tells. */
async function told(workers: number, images = source, strict = false) {
  const warnings: string[] = [];
  const feed = feedOf({ workers, strict, onWarning: (message) => warnings.push(message) }, images);
  try {
    const batches = await seen(feed, 0, 7);
    return { batches, warnings, broken: [...feed.broken] };
  } finally {
    feed.close();
  }
}

const alone = await told(0);

for (const workers of [1, 2, 3]) {
  test(`${workers} workers deliver the bits, and tell of the broken images, of none`, async () => {
    assert.equal(await told(workers), alone);
    assert.is(alone.warnings.length, 3);
    assert.equal(
      alone.broken.map(([path]) => path).sort(),
      broken.map((path) => join(folder, path)),
    );
  });
}

test("reading goes on in the middle of a pass with another number of workers", async () => {
  const feed = feedOf({ workers: 2 });
  assert.equal(await seen(feed, 4, 6), alone.batches.slice(4, 7));
  assert.equal(await seen(feed, 1, 2), alone.batches.slice(1, 3), "and elsewhere, if that is asked for");
  feed.close();
});

test("several batches may be read before the first is copied", async () => {
  const feed = feedOf({ workers: 1, held: 3 });
  for (const first of [0, 3]) {
    const batches = [];
    for (let i = 0; i < 3; i++) batches.push(await feed.read(first + i));
    const bits = batches.map((batch) => {
      assert.ok("copyInputs" in batch);
      batch.copyInputs();
      return Buffer.from(Float32Array.from(slots.globals.toArray()).buffer).toString("hex");
    });
    bits.forEach((hex, i) => {
      assert.ok(alone.batches[first + i].includes(hex), `batch ${first + i}`);
    });
  }
  feed.close();
});

test("with kept images, and of a part of a source, workers deliver the same", async () => {
  const part = memoryCache(await openSource(`${folder}@1..13`), 1 << 20);
  assert.equal(await told(2, part), await told(0, part));
});

test("a broken image ends a strict run with the same error", async () => {
  const failures = [];
  for (const workers of [0, 2]) {
    failures.push(await told(workers, source, true).catch((error: Error) => [error.constructor, error.message]));
  }
  assert.is((failures[0] as unknown[])[0], DataError);
  assert.equal(failures[1], failures[0]);
});

test("if no image can be read, that is the same error", async () => {
  const none = await openSource(tempFolder(Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`${i}.png`, `${i}`]))));
  const failures = [];
  for (const workers of [0, 2]) failures.push(await told(workers, none).catch((error: Error) => error.message));
  assert.match(failures[0] as string, /none of the 5 images of .* can be read\. The first: /);
  assert.is(failures[1], failures[0]);
});

test("images in memory are read on the calling thread, whatever is wanted", async () => {
  const feed = feedOf({ workers: 2 }, squareSource(9));
  assert.is(feed.workers, 0);
  assert.ok("images" in (await feed.read(0)));
  feed.close();
});

test("files have a worker for each core that does not compute, at least one, pixels in memory and single cores none", () => {
  const spare = coreCount() === 1 ? 0 : Math.max(1, coreCount() - 1);
  assert.is(usualWorkers(source), spare);
  assert.is(usualWorkers(source, 1), Math.min(1, spare));
  assert.is(usualWorkers(source, 0), 0);
  assert.is(usualWorkers(squareSource(9)), 0);
  const raw = { kind: "spec", spec: { kind: "mnist", path: "", split: null, range: null }, options: {} } as const;
  assert.is(usualWorkers({ ...source, recipe: raw }), 0);
  const indices = Int32Array.of(0);
  assert.is(usualWorkers({ ...source, recipe: { kind: "subset", of: raw, indices, name: "" } }), 0);
});

test("after an error reading begins anew, and what is closed while workers start stays closed", async () => {
  for (const workers of [0, 1]) {
    const feed = feedOf({ workers, strict: true });
    const failures = [];
    for (let i = 0; i < 2; i++) failures.push(await feed.read(0).catch((error: Error) => error.message));
    assert.match(String(failures[0]), /\.png: is not an image/);
    assert.is(failures[1], failures[0]);
  }
  const feed = feedOf({ workers: 1 });
  const read = feed.read(0).catch((error: Error) => error.message);
  feed.close();
  assert.match(String(await read), /was ended before it had begun/);
  assert.equal(await seen(feed, 0, 0), alone.batches.slice(0, 1));
  feed.close();
});

test("a number of workers that is none is refused", () => {
  for (const workers of [-1, 1.5, 65]) refuses(() => feedOf({ workers }), ConfigError, `workers is ${workers}`);
});
