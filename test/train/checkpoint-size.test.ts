import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { planRun } from "../../src/poa/plan.js";
import { init } from "../../src/runtime/context.js";
import { checkpointBytes, checkpointsAtOnce, plannedBytes } from "../../src/train/checkpoint-size.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const trainer = new Trainer(runConfig(), squareSource(22));

test("a checkpoint is no larger than is said, and not much smaller", () => {
  const path = tempFolder();
  const folder = new RunFolder(path).checkpoints.save(trainer.state(), "{}");
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const said = checkpointBytes(trainer.state());
  assert.ok(bytes <= said, `${bytes} bytes, said were ${said}`);
  assert.ok(said < bytes + 3 * 16_384 + 400 * 256, `${bytes} bytes, said were ${said}`);
});

test("as many checkpoints count as will be there at the same time", () => {
  const count = (...overrides: string[]) => {
    const config = runConfig(...overrides);
    return checkpointsAtOnce(config, planRun(config, { images: 22 }));
  };
  assert.is(count("train.keep_last=2", "train.checkpoint_every_steps=1"), 4, "step 0, two, one in the writing");
  assert.is(count("train.keep_last=2", "train.keep_best=3", "train.checkpoint_every_steps=1"), 7);
  assert.is(count("train.keep_last=50", "train.checkpoint_every_steps=3"), 4, "steps 0, 3, 6, 8 are all there are");
  assert.is(count("train.keep_last=50", "train.checkpoint_every_minutes=1"), 52);
});

test("the bytes of a run are those of its checkpoints", () => {
  assert.is(plannedBytes(trainer), 4 * checkpointBytes(trainer.state()), "steps 0, 3, 6, 8");
});
