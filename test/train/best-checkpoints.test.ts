import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Config } from "../../src/poa/config-keys.js";
import { init } from "../../src/runtime/context.js";
import type { BestRecord } from "../../src/train/best-checkpoints.js";
import { type LoopOptions, trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const source = squareSource(22);

/** A run of 16 steps with a checkpoint every two. */
const configOf = (...overrides: string[]) =>
  runConfig("optim.epochs=4", "train.checkpoint_every_steps=2", "train.keep_last=1", ...overrides);

/** Trains a run, or goes on with it. */
async function train(config: Config, path: string, options: Partial<LoopOptions> = {}): Promise<RunFolder> {
  const folder = new RunFolder(path);
  const trainer = new Trainer(config, source);
  const saved = folder.checkpoints.loadNewest((message) => assert.unreachable(message));
  if (saved) trainer.restore(saved);
  folder.truncateMetrics(trainer.iteration);
  try {
    await trainLoop(trainer, folder, { model: "{}", ...options });
  } finally {
    trainer.dispose();
  }
  return folder;
}

/** Evaluations that find the given accuracies by steps done, else none. */
function evaluating(accuracies: Readonly<Record<number, number>>): Partial<LoopOptions> {
  let step = 0;
  return {
    evaluate: async () => ({ knn: { 10: 0.99, 20: accuracies[step] ?? 0.01 }, featureStd: 0.1 }),
    onStep: ({ iteration }) => {
      step = iteration + 1;
    },
  };
}

const judged = ["evaluation.knn=labelled", "evaluation.eval_period_iterations=3"];

function recordIn(path: string): BestRecord {
  return JSON.parse(readFileSync(join(path, "best.json"), "utf8"));
}

test("the best by k-NN with the most neighbours are kept beside the newest, at the step of their evaluation", async () => {
  const path = tempFolder();
  const folder = await train(
    configOf("train.keep_best=2", ...judged),
    path,
    evaluating({ 0: 0.2, 3: 0.6, 6: 0.7, 9: 0.5 }),
  );
  assert.equal(folder.checkpoints.steps(), [0, 3, 6, 16]);
  assert.equal(recordIn(path), {
    by: "knn",
    checkpoints: [
      { step: 6, value: 0.7 },
      { step: 3, value: 0.6 },
    ],
  });
});

test("of equally good ones the earlier stays", async () => {
  const path = tempFolder();
  const folder = await train(configOf("train.keep_best=1", ...judged), path, evaluating({ 3: 0.6, 9: 0.6 }));
  assert.equal(folder.checkpoints.steps(), [0, 3, 16]);
});

test("without evaluations the mean loss since the checkpoint before decides", async () => {
  const path = tempFolder();
  const folder = await train(configOf("train.keep_best=1"), path);
  const losses = readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).objective as number);
  const means = Array.from({ length: 8 }, (_, i) => (losses[2 * i] + losses[2 * i + 1]) / 2);
  const least = Math.min(...means);
  const { by, checkpoints } = recordIn(path);
  assert.is(by, "loss");
  assert.is(checkpoints[0].value, least);
  assert.is(checkpoints[0].step, 2 * means.indexOf(least) + 2);
  assert.ok(folder.checkpoints.steps().includes(checkpoints[0].step));
});

test("a run that is interrupted and goes on keeps the same ones", async () => {
  const [whole, parts] = [tempFolder(), tempFolder()];
  for (const settings of [["train.keep_best=2"], ["train.keep_best=2", ...judged]]) {
    const found = evaluating({ 3: 0.3, 6: 0.7, 9: 0.5 });
    const config = configOf(...settings);
    await train(config, join(whole, settings.length.toString()), found);
    const path = join(parts, settings.length.toString());
    for (const end of [4, 7, 11, 99]) {
      const stop = new AbortController();
      await train(config, path, {
        ...found,
        signal: stop.signal,
        onStep: (report) => {
          found.onStep?.(report);
          if (report.iteration + 1 === end) stop.abort();
        },
      });
    }
    assert.equal(recordIn(path), recordIn(join(whole, settings.length.toString())));
  }
});

test("a run that was killed before best.json was written judges its newest checkpoint anew", async () => {
  const path = tempFolder();
  const config = configOf("train.keep_best=1", ...judged);
  const stop = new AbortController();
  const found = evaluating({ 6: 0.7 });
  await train(config, path, {
    ...found,
    signal: stop.signal,
    onEvaluation: ({ iteration }) => {
      if (iteration === 6) stop.abort();
    },
  });
  writeFileSync(join(path, "best.json"), '{"by":"knn","checkpoints":[{"step":6,"val');
  const folder = await train(config, path, evaluating({}));
  assert.ok(folder.checkpoints.steps().includes(6));
  assert.equal(recordIn(path).checkpoints, [{ step: 6, value: 0.7 }]);
});

test("what another criterion chose, or is not there any more, does not count", async () => {
  const path = tempFolder();
  const folder = new RunFolder(path);
  folder.saveBest({ by: "knn", checkpoints: [{ step: 4, value: 0.9 }] });
  await train(configOf("train.keep_best=1"), path);
  assert.is(recordIn(path).by, "loss");
  assert.is(recordIn(path).checkpoints.length, 1);
});

test("no best.json is written unless it is asked for", async () => {
  const path = tempFolder();
  const folder = await train(configOf(...judged), path, evaluating({ 3: 0.9 }));
  assert.equal(folder.checkpoints.steps(), [0, 16]);
  assert.is(folder.readBest(), null);
});
