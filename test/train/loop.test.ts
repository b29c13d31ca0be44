import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { NumericError } from "../../src/errors.js";
import type { Config } from "../../src/poa/config-keys.js";
import { init } from "../../src/runtime/context.js";
import { type LoopOptions, trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { type StepReport, Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { copiedState, fingerprintOf } from "../support/training.js";

await init();

const source = squareSource(22);

/** A trainer with a folder; continues from the newest checkpoint if the folder has one. */
function open(config: Config, path = tempFolder()) {
  const folder = new RunFolder(path);
  const trainer = new Trainer(config, source);
  const saved = folder.checkpoints.loadNewest((message) => assert.unreachable(message));
  if (saved) trainer.restore(saved);
  folder.truncateMetrics(trainer.iteration);
  const run = (options: Partial<LoopOptions> = {}) => trainLoop(trainer, folder, { model: "{}", ...options });
  return { folder, trainer, run, path };
}

const metricsIn = (path: string) =>
  readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Ends a loop after some steps, as a signal would. */
function stopAfter(steps: number): Pick<LoopOptions, "signal" | "onStep"> {
  const stop = new AbortController();
  let done = 0;
  return { signal: stop.signal, onStep: () => void (++done === steps && stop.abort()) };
}

test("a run leaves a checkpoint of step 0, of the last step, and the newest ones in between", async () => {
  const { folder, run, trainer } = open(runConfig());
  const result = await run();
  assert.equal(folder.checkpoints.steps(), [0, 6, 8]);
  assert.ok(fingerprintOf(folder.checkpoints.load(8)) !== fingerprintOf(folder.checkpoints.load(0)));
  assert.is(trainer.iteration, 8);
  assert.is(result.iterations, 8);
  assert.is(result.imagesSeen, 32);
  assert.is(result.interrupted, false);
  assert.ok(result.imagesPerSecond > 0 && result.dataWaitShare >= 0 && result.dataWaitShare < 1);
  assert.ok(Number.isFinite(result.loss));
  trainer.dispose();
});

test("checkpoints come once per epoch unless configured, and as many stay as configured", async () => {
  const everyEpoch = open(runConfig("train.checkpoint_every_steps=null"));
  await everyEpoch.run();
  assert.equal(everyEpoch.folder.checkpoints.steps(), [0, 4, 8]);
  const keepOne = open(runConfig("train.checkpoint_every_steps=1", "train.keep_last=1"));
  await keepOne.run();
  assert.equal(keepOne.folder.checkpoints.steps(), [0, 8]);
  const byTime = open(runConfig("train.checkpoint_every_steps=100", "train.checkpoint_every_minutes=1e-9"));
  await byTime.run();
  assert.equal(byTime.folder.checkpoints.steps(), [0, 7, 8]);
  for (const { trainer } of [everyEpoch, keepOne, byTime]) trainer.dispose();
});

test("every step leaves a line under the published keys", async () => {
  const { run, path, trainer } = open(runConfig());
  const reports: StepReport[] = [];
  await run({ onStep: (report) => reports.push(report) });
  const lines = metricsIn(path);
  assert.is(lines.length, 8);
  const last = lines[7];
  const official = ["iteration", "lr", "wd", "mom", "last_layer_lr", "total_loss", "koleo_loss"];
  const perHead = ["dino_local_crops", "dino_global_crops", "ibot", "distill_local_crops", "distill_global_crops"];
  for (const key of [...official, ...perHead.flatMap((kind) => [`${kind}_loss_0`, `${kind}_loss_1`])])
    assert.type(last[key], "number", key);
  const losses = Object.entries(last).filter(([key]) => /_loss(_\d)?$/.test(key) && key !== "total_loss");
  const sum = losses.reduce((total, [, value]) => total + (value as number), 0);
  assert.ok(Math.abs((last.total_loss as number) - sum) < 1e-9);
  lines.forEach((line, i) => {
    assert.is(line.iteration, i);
    assert.is(line.lr, reports[i].lr);
    assert.is(line.objective, reports[i].loss);
    assert.equal(
      line.networks,
      reports[i].networks.map(({ name }) => name),
    );
  });
  trainer.dispose();
});

test("a run that is stopped saves at once, and one that goes on ends with the same bytes and the same metrics", async () => {
  const whole = open(runConfig());
  await whole.run();
  whole.trainer.dispose();
  for (const steps of [1, 3, 5, 7]) {
    const first = open(runConfig());
    const { interrupted, iterations } = await first.run(stopAfter(steps));
    first.trainer.dispose();
    assert.ok(interrupted);
    assert.is(iterations, steps);
    assert.is(first.folder.checkpoints.steps().at(-1), steps);
    const second = open(runConfig(), first.path);
    assert.is(second.trainer.iteration, steps);
    assert.not.ok((await second.run()).interrupted);
    second.trainer.dispose();
    for (const part of ["student", "teacher", "optimizer"]) {
      const bytes = ({ folder }: typeof whole) =>
        readFileSync(join(folder.checkpoints.folderOf(8), `${part}.safetensors`));
      assert.ok(bytes(second).equals(bytes(whole)), `stopped after ${steps}: ${part}`);
    }
    const text = ({ path }: typeof whole) => readFileSync(join(path, "metrics.jsonl"), "utf8");
    assert.is(text(second), text(whole));
  }
});

test("a run that was killed between checkpoints does those steps again, with the same metrics", async () => {
  const killed = open(runConfig());
  await killed
    .run({
      onStep: ({ iteration }) => {
        if (iteration === 4) throw new Error("killed");
      },
    })
    .catch(() => {});
  killed.trainer.dispose();
  assert.is(metricsIn(killed.path).length, 5);
  const resumed = open(runConfig(), killed.path);
  assert.is(resumed.trainer.iteration, 3);
  assert.is(metricsIn(resumed.path).length, 3);
  await resumed.run();
  resumed.trainer.dispose();
  assert.equal(
    metricsIn(resumed.path).map(({ iteration }) => iteration),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test("a finished run is left as it is", async () => {
  const { run, path, trainer, folder } = open(runConfig());
  await run();
  trainer.dispose();
  const before = readFileSync(join(path, "metrics.jsonl"), "utf8");
  const again = open(runConfig(), path);
  const result = await again.run({ onStep: () => assert.unreachable() });
  assert.equal([result.iterations, result.loss, result.interrupted], [8, null, false]);
  assert.equal(folder.checkpoints.steps(), [0, 6, 8]);
  assert.is(readFileSync(join(path, "metrics.jsonl"), "utf8"), before);
  again.trainer.dispose();
});

test("a run whose last checkpoint was damaged does its steps again and saves it anew", async () => {
  const { run, path, trainer, folder } = open(runConfig());
  await run();
  trainer.dispose();
  const file = join(folder.checkpoints.folderOf(8), "student.safetensors");
  const good = readFileSync(file);
  writeFileSync(file, "");
  const again = new Trainer(runConfig(), source);
  again.restore(new RunFolder(path).checkpoints.loadNewest(() => {})!);
  assert.is(again.iteration, 6);
  await trainLoop(again, folder, { model: "{}" });
  assert.ok(readFileSync(file).equals(good));
  again.dispose();
});

test("a signal is heard although every image is in memory and nothing else waits", async () => {
  const { run, trainer } = open(runConfig("optim.epochs=10000", "train.checkpoint_every_steps=100000"));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 20);
  const { interrupted } = await run({ signal: stop.signal });
  clearTimeout(timer);
  assert.ok(interrupted);
  trainer.dispose();
});

test("a run that is stopped before it begins has saved step 0", async () => {
  const { run, folder, trainer } = open(runConfig());
  const result = await run({ signal: AbortSignal.abort(), onStep: () => assert.unreachable() });
  assert.ok(result.interrupted);
  assert.equal(folder.checkpoints.steps(), [0]);
  trainer.dispose();
});

/** Makes the loss not a number by one bias; returns how to undo it. */
function poison(trainer: Trainer): () => void {
  const bias = trainer.model.student.stateDict().get("backbone.blocks.0.mlp.fc1.bias")!;
  const good = bias.toArray();
  bias.write(new Float32Array(bias.numel).fill(Number.NaN));
  return () => bias.write(good);
}

test("steps that are not finite are skipped, told once, and end the run when they do not stop", async () => {
  const { run, folder, trainer, path } = open(runConfig("optim.epochs=20", "train.max_bad_steps=4"));
  const warnings: string[] = [];
  let thrown: unknown;
  await run({
    onWarning: (message) => warnings.push(message),
    onStep: ({ iteration }) => void (iteration === 4 && poison(trainer)),
  }).catch((error: unknown) => {
    thrown = error;
  });
  assert.instance(thrown, NumericError);
  const { message } = thrown as Error;
  assert.match(message, /^step 8: 4 steps in a row were not finite/);
  assert.ok(message.includes(folder.checkpoints.folderOf(3)), `names the last good checkpoint: ${message}`);
  assert.is(warnings.length, 1);
  assert.match(warnings[0], /^step 5: the loss or a gradient is not finite; the step is skipped/);
  assert.equal(folder.checkpoints.steps(), [0, 3], "none was saved since");
  const skipped = metricsIn(path).filter(({ skipped }) => skipped);
  assert.equal(
    skipped.map(({ iteration }) => iteration),
    [5, 6, 7, 8],
  );
  assert.is((skipped[0].images as string[]).length, 4);
  const told = readdirSync(folder.badSteps.path).sort();
  assert.equal(told, ["000000005.json", "000000006.json", "000000007.json", "000000008.json"]);
  const { images, tensors } = JSON.parse(readFileSync(join(folder.badSteps.path, told[0]), "utf8"));
  assert.equal(images, skipped[0].images);
  assert.match(tensors[0].name, /^student /);
  assert.ok(message.includes(folder.badSteps.path), "names where to look");
  trainer.dispose();
});

test("a run goes on when bad steps stop in time, and the count starts anew", async () => {
  const { run, trainer, path } = open(runConfig("optim.epochs=4", "train.max_bad_steps=3"));
  let cure = () => {};
  const { skippedSteps } = await run({
    onStep: ({ iteration }) => {
      if (iteration === 4 || iteration === 9) cure = poison(trainer);
      if (iteration === 6 || iteration === 11) cure();
    },
  });
  assert.is(trainer.iteration, 16);
  assert.equal(
    metricsIn(path).flatMap(({ iteration, skipped }) => (skipped ? [iteration] : [])),
    [5, 6, 10, 11],
  );
  assert.is(skippedSteps, 4);
  trainer.dispose();
});

test("a run that is stopped with weights that are not finite saves none of them", async () => {
  const { run, folder, trainer } = open(runConfig("optim.epochs=20"));
  const { signal, onStep } = stopAfter(5);
  await run({
    signal,
    onStep: (report) => {
      if (report.iteration === 3) poison(trainer);
      onStep?.(report);
    },
  }).then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, NumericError),
  );
  assert.equal(folder.checkpoints.steps(), [0, 3]);
  trainer.dispose();
});

test("a state read from a checkpoint is the state that was saved", async () => {
  const { run, folder, trainer } = open(runConfig("train.centering=centering"));
  await run();
  assert.ok(fingerprintOf(folder.checkpoints.load(8)).length === fingerprintOf(copiedState(trainer)).length);
  const sorted = (text: string) => text.split("\n").sort().join("\n");
  assert.ok(sorted(fingerprintOf(folder.checkpoints.load(8))) === sorted(fingerprintOf(copiedState(trainer))));
  trainer.dispose();
});

test("a clock that jumps, by a year and back, changes no duration, saves nothing early and ends nothing", async () => {
  const path = tempFolder();
  const { run, trainer, folder } = open(
    runConfig("train.checkpoint_every_minutes=1000", "train.checkpoint_every_steps=8", "optim.epochs=2"),
    path,
  );
  const { now } = Date;
  const year = 365 * 86_400_000;
  let jumps = 0;
  Date.now = () => now() + (jumps % 3 === 0 ? 0 : jumps % 3 === 1 ? year : -year);
  try {
    const result = await run({
      onStep: ({ elapsedMs, dataWaitMs }) => {
        jumps++;
        assert.ok(elapsedMs >= 0 && elapsedMs < 60_000 && dataWaitMs >= 0);
      },
    });
    assert.ok(result.imagesPerSecond > 0.01 && result.dataWaitShare >= 0 && result.dataWaitShare <= 1);
  } finally {
    Date.now = now;
  }
  assert.is(jumps, 8);
  assert.equal(folder.checkpoints.steps(), [0, 8]);
  const timing = readFileSync(join(path, "timing.jsonl"), "utf8").trimEnd().split("\n");
  for (const line of timing) assert.ok(JSON.parse(line).elapsedMs > 0);
  trainer.dispose();
});
