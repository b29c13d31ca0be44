import * as assert from "uvu/assert";
import { dataWaitShare, StepProgress } from "../../src/cli/step-progress.js";
import { init } from "../../src/runtime/context.js";
import { test } from "../support/test.js";

await init();

const step = (iteration: number, loss: number) => ({
  ...{ iteration, loss, lr: 0.001, images: 10, elapsedMs: 500, dataWaitMs: 50 },
});

test("the line tells what is done, what is left, the rate and the share of waiting", () => {
  const progress = new StepProgress(121);
  progress.add(step(0, 4));
  progress.add(step(1, 2));
  const line = progress.line(step(1, 2));
  assert.match(
    line,
    /^\[2\/121\] eta 1:00 {2}loss 2\.0000 \(3\.0000\) {2}lr 1\.00e-3 {2}20\.0 images\/s {2}data wait 10% {2}\d+ MiB$/,
  );
});

test("rates and losses are those of the last fifty steps", () => {
  const progress = new StepProgress(1000);
  for (let i = 0; i < 100; i++) progress.add(step(i, i < 50 ? 100 : 1));
  assert.match(progress.line(step(99, 1)), /loss 1\.0000 \(1\.0000\)/);
});

test("a step during which the host slept spoils the time left for fifty steps, and no longer", () => {
  const progress = new StepProgress(1000);
  for (let i = 0; i < 10; i++) progress.add(step(i, 1));
  const eta = () => /eta (\S+)/.exec(progress.line(step(499, 1)))![1];
  assert.is(eta(), "4:10");
  progress.add({ ...step(10, 1), elapsedMs: 8 * 3_600_000 });
  assert.match(eta(), /^\d+:\d\d:\d\d$/);
  for (let i = 11; i < 61; i++) progress.add(step(i, 1));
  assert.is(eta(), "4:10");
});

test("the share of waiting is of all the time, and none where there was none", () => {
  assert.is(dataWaitShare([step(0, 1), { elapsedMs: 1000, dataWaitMs: 0 }]), 0.033);
  assert.is(dataWaitShare([]), 0);
});
