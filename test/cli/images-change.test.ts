import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { openSource } from "../../src/data/source-spec.js";
import { init } from "../../src/runtime/context.js";
import { Trainer } from "../../src/train/trainer.js";
import { expectCode, imagesIn, pngOf, tinyPretrain, workshop } from "../support/program.js";
import { runConfig, squareImage } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { train } from "../support/training.js";

test("images that disappear, are cut off or become folders in the middle of a run are told once, counted, and do not end it", async () => {
  await init();
  const folder = imagesIn(join(tempFolder(), "images"), 8);
  const path = (side: string, i: number) => join(folder, side, `${String(i).padStart(3, "0")}.png`);
  const warnings: string[] = [];
  const source = await openSource(folder, { split: "train" });
  const before = source.fingerprint();
  const trainer = new Trainer(runConfig("optim.epochs=4"), source, { onWarning: (message) => warnings.push(message) });
  await train(trainer, 1);
  assert.equal(warnings, []);
  rmSync(path("left", 0));
  writeFileSync(path("right", 1), pngOf(squareImage(1)).subarray(0, 300));
  rmSync(path("left", 2));
  mkdirSync(path("left", 2));
  writeFileSync(path("right", 3), pngOf(squareImage(99, { side: 20 }))); // sound, and not what the run began with
  const reports = await train(trainer, 15);
  assert.ok(reports.every(({ updated, images }) => updated && images === 4));
  assert.is(trainer.broken.size, 4);
  assert.equal(warnings.length, 4, warnings.join("\n"));
  for (const [name, reason] of [
    ["000.png", /cannot be read \(ENOENT\)\. Was it moved or deleted\? Left out\.$/],
    ["001.png", /has changed: it was \d+ bytes long and is 300 now\. Left out\.$/],
    ["002.png", /cannot be read \(EISDIR\).* Left out\.$/],
    ["003.png", /has changed: it was \d+ bytes long and is \d+ now\. Left out\.$/],
  ] as const) {
    const told = warnings.filter((warning) => warning.includes(name));
    assert.is(told.length, 1, name);
    assert.match(told[0], reason);
  }
  assert.is.not((await openSource(folder, { split: "train" })).fingerprint(), before);
  trainer.dispose();
});

test("a run whose images have changed since it began says so when it is resumed, and goes on", async () => {
  const cwd = workshop();
  await expectCode(0, [...tinyPretrain], { cwd });
  const checkpoints = join(cwd, "run", "checkpoints");
  rmSync(join(checkpoints, readdirSync(checkpoints).at(-1)!), { recursive: true });
  rmSync(join(cwd, "images", "left", "000.png"));
  const { stderr, result } = await expectCode(0, ["resume", "run", "--json"], { cwd });
  assert.match(stderr, /^warning: the images differ from those the run began with \(15 now, 16 then\)/m);
  assert.is(result.iterations, 8);
});
