import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { openSource } from "../../src/data/source-spec.js";
import { init } from "../../src/runtime/context.js";
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
