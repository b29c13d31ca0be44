import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { NumericError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { FinetuneFolder } from "../../src/train/finetune-folder.js";
import { type FinetuneLoopOptions, finetuneLoop } from "../../src/train/finetune-loop.js";
import { FineTuner } from "../../src/train/finetuner.js";
import { everythingOn, freshEncoder, tinyTuning } from "../support/fine-tuning.js";
import { squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const source = squareSource(18);
const settings = tinyTuning({ ...everythingOn, epochs: 3 });

/** A run in a folder, which goes on where an earlier one has stopped. */
function open(path = tempFolder(), changes: Partial<typeof settings> = {}) {
  const tuner = new FineTuner(freshEncoder(), source, { ...settings, ...changes });
  const info = { version: "0", model: "", network: "16x2", settings: tuner.settings, data: "", images: 18 };
  const described = { ...info, dataFingerprint: "", testFingerprint: "", classes: source.classes, host: {} };
  const exists = FinetuneFolder.isOne(path);
  const folder = exists ? FinetuneFolder.open(path, described) : FinetuneFolder.create(path, described);
  const saved = folder.loadNewest(true, (message) => assert.unreachable(message));
  if (saved) tuner.restore(saved);
  folder.metrics.truncate(tuner.iteration);
  const validate = async () => ({ top1: tuner.iteration / 100 });
  const run = async (options: Partial<FinetuneLoopOptions> = {}) => {
    try {
      return await finetuneLoop(tuner, folder, { validate, checkpointSeconds: 0, ...options });
    } finally {
      folder.unlock();
    }
  };
  return { tuner, folder, run, path };
}

const text = (path: string) => readFileSync(join(path, "metrics.jsonl"), "utf8");
const linesIn = (path: string) =>
  text(path)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

function stopAfter(steps: number): Partial<FinetuneLoopOptions> {
  const stop = new AbortController();
  let done = 0;
  return { signal: stop.signal, onStep: () => void (++done === steps && stop.abort()) };
}

test("every step and every epoch leave a line, and the newest checkpoints and step 0 stay", async () => {
  const { run, folder, path } = open();
  const epochs: number[] = [];
  const result = await run({ onEpoch: (done) => epochs.push(done) });
  assert.equal([result.iterations, result.interrupted, epochs], [12, false, [1, 2, 3]]);
  assert.equal(folder.checkpoints.steps(), [0, 8, 12]);
  const lines = linesIn(path);
  assert.is(lines.length, 15);
  assert.equal(Object.keys(lines[0]), ["iteration", "epoch", "lr", "loss", "grad_norm"]);
  assert.equal(
    lines.filter((line) => "top1" in line),
    [1, 2, 3].map((done) => ({ iteration: 4 * done - 1, epochs: done, top1: (4 * done) / 100 })),
  );
});

test("a run that is stopped goes on to the same bytes and the same metrics", async () => {
  const whole = open();
  await whole.run();
  const bytes = ({ folder }: typeof whole) =>
    ["model", "ema", "optimizer"].map((part) =>
      readFileSync(join(folder.checkpoints.folderOf(12), `${part}.safetensors`)),
    );
  for (const steps of [1, 4, 6]) {
    const first = open();
    const { interrupted, iterations } = await first.run(stopAfter(steps));
    assert.equal([interrupted, iterations], [true, steps]);
    const second = open(first.path);
    assert.is(second.tuner.iteration, steps);
    assert.not.ok((await second.run()).interrupted);
    assert.equal(bytes(second).join(), bytes(whole).join(), `stopped after ${steps}`);
    assert.is(text(second.path), text(whole.path));
  }
});

test("a run that was killed does the steps since its checkpoint again, and measures their epoch again", async () => {
  const whole = open();
  await whole.run();
  const killed = open();
  const validate = async () => {
    if (killed.tuner.iteration === 8) throw new Error("killed");
    return { top1: killed.tuner.iteration / 100 };
  };
  await killed.run({ validate }).catch(() => {});
  const second = open(killed.path);
  assert.is(second.tuner.iteration, 4);
  await second.run();
  assert.is(text(second.path), text(whole.path));
});

test("epochs end without a checkpoint while the last one is young, but the run never does", async () => {
  const { run, folder } = open();
  await run({ checkpointSeconds: 3600 });
  assert.equal(folder.checkpoints.steps(), [0, 12]);
});

test("without validation there are no lines of epochs; a part of an epoch ends with one", async () => {
  const without = open();
  await without.run({ validate: null });
  assert.is(linesIn(without.path).length, 12);
  const part = open(tempFolder(), { epochs: 1.5 });
  await part.run();
  assert.equal(
    linesIn(part.path).flatMap(({ epochs }) => epochs ?? []),
    [1, 1.5],
  );
});

test("steps that are not finite are told once and end the run when they do not stop; none is saved", async () => {
  const { run, folder, tuner } = open(tempFolder(), { epochs: 20 });
  const warnings: string[] = [];
  let thrown: unknown;
  await run({
    onWarning: (message) => warnings.push(message),
    onStep: ({ iteration }) => {
      if (iteration === 4) tuner.model.stateDict().get("head.bias")!.write([Number.NaN, Number.NaN]);
    },
  }).catch((error: unknown) => {
    thrown = error;
  });
  assert.instance(thrown, NumericError);
  assert.match((thrown as Error).message, /5 steps in a row up to 9 were not finite/);
  assert.is(warnings.length, 1);
  assert.equal(folder.checkpoints.steps(), [0, 4]);
});
