import { statfsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ResourceError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { checkpointBytes } from "../../src/train/checkpoint-size.js";
import { expectRoom } from "../../src/train/checkpoint-space.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { refuses } from "../support/refuses.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const trainer = new Trainer(runConfig(), squareSource(22));

test("a run whose checkpoints do not fit is refused with what is needed and free; its folder need not be there", () => {
  const folder = join(tempFolder(), "not", "there");
  expectRoom(folder, trainer);
  const { bavail, bsize } = statfsSync(tempFolder());
  const large = {
    config: runConfig("train.keep_last=2000000000", "train.checkpoint_every_minutes=1"),
    plan: trainer.plan,
  };
  const run = { ...large, state: () => trainer.state() };
  assert.ok(checkpointBytes(trainer.state()) * 2e9 > bavail * bsize, "the disk of this host is too large for the test");
  refuses(
    () => expectRoom(folder, run),
    ResourceError,
    "room for 2000000002 checkpoints at a time (train.keep_last) needs",
  );
});

test("what the folder of a run holds already counts as room", () => {
  const path = tempFolder();
  const state = trainer.state();
  new RunFolder(path).checkpoints.save(state, "{}");
  const small = { ...state, student: new Map(), teacher: new Map(), optimizer: new Map() };
  // Less than is there already, so that the disk is not even asked.
  expectRoom(path, { config: trainer.config, plan: trainer.plan, state: () => small });
});
