import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { PackedImages } from "../../src/data/packed-images.js";
import { openSource } from "../../src/data/source-spec.js";
import { init } from "../../src/runtime/context.js";
import { diskCacheIn } from "../../src/train/disk-cache.js";
import { FineTuner } from "../../src/train/finetuner.js";
import { Trainer } from "../../src/train/trainer.js";
import { bitsOf, copied, everythingOn, freshEncoder, tinyTuning, tuned } from "../support/fine-tuning.js";
import { imagesIn } from "../support/program.js";
import { runConfig } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { copiedState, fingerprintOf, train } from "../support/training.js";

await init();

const folder = imagesIn(tempFolder(), 9); // passes of 4 batches of 4
writeFileSync(join(folder, "left/006.png"), "no image");
const source = await openSource(folder);

const settings = ["optim.warmup_epochs=0", "optim.ibot_activate_epochs=0"];

/** The weights after some steps, the number of workers changing where the numbers say. */
async function trained(workers: readonly number[], stepsEach: number, overrides: readonly string[] = []) {
  const config = runConfig(...settings, ...overrides);
  let saved: ReturnType<typeof copiedState> | null = null;
  let shares: number[] = [];
  for (const count of workers) {
    const trainer = new Trainer(config, source, { workers: count });
    assert.is(trainer.workers, count);
    if (saved) trainer.restore(saved);
    const reports = await train(trainer, stepsEach);
    shares = reports.map(({ dataWaitMs, elapsedMs }) => dataWaitMs / elapsedMs);
    saved = copiedState(trainer);
    trainer.dispose();
  }
  assert.ok(
    shares.every((share) => share > 0 && share < 1),
    `data wait ${shares}`,
  );
  return fingerprintOf(saved!);
}

test("three steps leave the same bits with 0, 1, 2 and 3 workers", async () => {
  const alone = await trained([0], 3);
  for (const workers of [1, 2, 3]) assert.ok((await trained([workers], 3)) === alone, `${workers} workers`);
});

test("a run continues bit-equal in the middle of a pass with other numbers of workers", async () => {
  const overrides = ["train.accumulate=2", "train.cache=memory"];
  const whole = await trained([0], 6, overrides);
  assert.ok((await trained([2, 0, 1], 2, overrides)) === whole);
});

test("without a number the config decides, and 0 there means none", () => {
  const trainer = new Trainer(runConfig("train.num_workers=0"), source);
  assert.is(trainer.workers, 0);
  trainer.dispose();
});

test("fine-tuning leaves the same bits with workers and without, whatever is drawn", async () => {
  const runs = [];
  for (const workers of [0, 2]) {
    const tuner = new FineTuner(freshEncoder(), source, tinyTuning(everythingOn), { workers });
    await tuned(tuner, 3);
    runs.push(bitsOf(copied(tuner.state())));
    assert.is(tuner.broken.size, 1);
    tuner.dispose();
  }
  assert.ok(runs[0] === runs[1]);
});

test("repeated augmentation leaves the same bits with workers and without", async () => {
  const runs = [];
  for (const workers of [0, 1, 3]) {
    const tuner = new FineTuner(freshEncoder(), source, tinyTuning({ ...everythingOn, augRepeats: 3 }), { workers });
    await tuned(tuner, 5);
    runs.push(bitsOf(copied(tuner.state())));
    tuner.dispose();
  }
  assert.ok(runs[1] === runs[0] && runs[2] === runs[0]);
});

test("images that workers decode are kept on disk, and read from there by runs with any number of workers, bit-equal", async () => {
  const images = imagesIn(tempFolder(), 8);
  const cache = tempFolder();
  const config = runConfig(...settings, "train.cache=disk", "train.OFFICIAL_EPOCH_LENGTH=null");
  const run = async (workers: number) => {
    const warnings: string[] = [];
    const opened = await openSource(images);
    const trainer = new Trainer(config, opened, {
      workers,
      diskCache: diskCacheIn(cache),
      onWarning: (message) => warnings.push(message),
    });
    assert.is(trainer.workers, workers);
    await train(trainer, 8); // two passes
    const bits = fingerprintOf(copiedState(trainer));
    trainer.dispose();
    assert.equal(warnings, []);
    return { bits, opened };
  };
  const { bits, opened } = await run(2);
  const [data] = readdirSync(cache);
  const packed = await PackedImages.reader(join(cache, data), { key: opened.fingerprint(), length: 16 });
  assert.is(packed?.count, 16);
  await packed?.close();
  // Files of the same size that are no images any more: whoever decoded one would say so.
  for (const sub of ["left", "right"])
    for (const name of readdirSync(join(images, sub))) {
      const path = join(images, sub, name);
      writeFileSync(path, new Uint8Array(readFileSync(path).length));
    }
  for (const workers of [0, 1, 2]) assert.ok((await run(workers)).bits === bits, `${workers} workers`);
});

test("images that change or go during a run are left out and told once, by workers too", async () => {
  for (const workers of [0, 2]) {
    const images = imagesIn(tempFolder(), 8);
    const opened = await openSource(images);
    opened.fingerprint();
    const warnings: string[] = [];
    const trainer = new Trainer(runConfig(...settings), opened, {
      workers,
      onWarning: (message) => warnings.push(message),
    });
    await train(trainer, 1);
    const [changed, gone] = ["left/000.png", "right/001.png"].map((name) => join(images, name));
    writeFileSync(changed, readFileSync(join(images, "right/003.png")));
    writeFileSync(changed, Uint8Array.from([...readFileSync(changed), 0]));
    rmSync(gone);
    await train(trainer, 7);
    assert.equal([...trainer.broken.keys()].sort(), [changed, gone]);
    assert.is(warnings.length, 2, `${workers} workers: ${warnings.join("\n")}`);
    assert.match(warnings.find((text) => text.startsWith(changed))!, /has changed: it was \d+ bytes long/);
    trainer.dispose();
  }
});
