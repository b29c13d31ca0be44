import * as assert from "uvu/assert";
import { ConfigError, DataError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { pretrain } from "../../src/train/pretrain.js";
import { refuses } from "../support/refuses.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { copiedState, fingerprintOf, stateAfter } from "../support/training.js";

await init();
const source = squareSource(22);

test("each turn trains one step, to the end, as a trainer does", async () => {
  const run = pretrain(source, runConfig());
  const iterations: number[] = [];
  for await (const { iteration } of run) iterations.push(iteration);
  assert.equal(iterations, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(run.trainer.finished);
  assert.ok(fingerprintOf(copiedState(run.trainer)) === fingerprintOf(await stateAfter(runConfig(), source, 8)));
  run.trainer.dispose();
});

test("a loop that is left and entered again goes on, bit-equal", async () => {
  const run = pretrain(source, runConfig());
  for await (const { iteration } of run) if (iteration === 3) break;
  assert.is(run.trainer.iteration, 4);
  const rest: number[] = [];
  for await (const { iteration } of run) rest.push(iteration);
  assert.equal(rest, [4, 5, 6, 7]);
  assert.ok(fingerprintOf(copiedState(run.trainer)) === fingerprintOf(await stateAfter(runConfig(), source, 8)));
  run.trainer.dispose();
});

test("a signal ends the run after the step, also one that a timer gives", async () => {
  const stop = new AbortController();
  const run = pretrain(source, runConfig("optim.epochs=10000"), { signal: stop.signal });
  setTimeout(() => stop.abort(), 20);
  for await (const _ of run);
  assert.ok(run.trainer.iteration > 0 && !run.trainer.finished);
  run.trainer.dispose();
});

test("wrong settings and too few images are refused at once", () => {
  refuses(() => pretrain(source, { optim: { lr: -1 } }), ConfigError, "optim.lr");
  refuses(() => pretrain(squareSource(3), runConfig()), DataError, "3 images");
});

test("an evaluation that only runs with a folder have is refused with the way out", () => {
  const config = runConfig("evaluation.knn=mnist");
  refuses(() => pretrain(source, config), ConfigError, "evaluate trainer.encoder() between steps");
});
