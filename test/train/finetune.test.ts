import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { finetune } from "../../src/train/finetune.js";
import { freshEncoder, tinyTuning } from "../support/fine-tuning.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

test("each turn trains one step, to the end of the plan", async () => {
  const run = finetune(freshEncoder(), squareSource(16), tinyTuning());
  const iterations: number[] = [];
  for await (const { iteration } of run) iterations.push(iteration);
  assert.equal(iterations, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(run.tuner.finished);
  run.tuner.dispose();
});

test("a recipe is the start, and a signal the end", async () => {
  const stop = new AbortController();
  const run = finetune(freshEncoder(), squareSource(300), { seed: 4 }, { recipe: "vit_s", signal: stop.signal });
  assert.equal([run.tuner.settings.epochs, run.tuner.settings.seed, run.tuner.settings.batch], [200, 4, 256]);
  for await (const _ of run) stop.abort();
  assert.is(run.tuner.iteration, 1);
});
