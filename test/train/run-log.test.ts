import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { readEvents } from "../support/event-files.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const source = squareSource(22);

/** Trains in a folder, from its newest checkpoint if it has one, at most so many steps. */
async function trainIn(path: string, { tensorboard = false, steps = 100 } = {}): Promise<void> {
  const folder = new RunFolder(path);
  const trainer = new Trainer(runConfig(`train.tensorboard=${tensorboard}`), source);
  const saved = folder.checkpoints.loadNewest((message) => assert.unreachable(message));
  if (saved) trainer.restore(saved);
  const stop = new AbortController();
  let done = 0;
  await trainLoop(trainer, folder, {
    model: "{}",
    signal: stop.signal,
    onStep: () => void (++done === steps && stop.abort()),
  });
  trainer.dispose();
}

const linesIn = (path: string, name: string) =>
  readFileSync(join(path, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

const eventsIn = (path: string) =>
  readdirSync(join(path, "tensorboard"))
    .sort()
    .map((name) => readEvents(readFileSync(join(path, "tensorboard", name))));

test("what steps took is written down apart from the metrics, and adds up over interruptions", async () => {
  const path = tempFolder();
  await trainIn(path, { steps: 3 });
  await trainIn(path);
  const timing = linesIn(path, "timing.jsonl");
  assert.equal(
    timing.map(({ iteration, steps, images }) => [iteration, steps, images]),
    [
      [2, 3, 12],
      [7, 5, 20],
    ],
  );
  for (const { elapsedMs, dataWaitMs } of timing) assert.ok(elapsedMs > dataWaitMs && dataWaitMs >= 0);
  await trainIn(path);
  assert.is(linesIn(path, "timing.jsonl").length, 2, "a finished run writes nothing");
});

test("event files hold every number of the metrics for each step", async () => {
  const path = tempFolder();
  await trainIn(path, { tensorboard: true });
  const [[{ fileVersion }, ...events]] = eventsIn(path);
  assert.is(fileVersion, "brain.Event:2");
  const metrics = linesIn(path, "metrics.jsonl");
  assert.is(events.length, metrics.length);
  events.forEach(({ step, scalars }, i) => {
    const { iteration, networks: _, ...numbers } = metrics[i];
    assert.is(step, iteration);
    assert.equal(
      Object.fromEntries(scalars!),
      Object.fromEntries(Object.entries(numbers).map(([k, x]) => [k, Math.fround(x)])),
    );
  });
});

test("a resumed run adds a file that replaces what it does again; a finished one adds none", async () => {
  const path = tempFolder();
  await trainIn(path, { tensorboard: true, steps: 5 });
  await trainIn(path, { tensorboard: true });
  await trainIn(path, { tensorboard: true });
  const [first, second, ...rest] = eventsIn(path);
  assert.equal(rest, []);
  assert.is(first.at(-1)!.step, 4);
  assert.equal(
    second.slice(0, 2).map(({ step, sessionStatus }) => [step, sessionStatus]),
    [
      [0, undefined],
      [5, 1],
    ],
  );
  assert.equal(
    second.slice(2).map(({ step }) => step),
    [5, 6, 7],
  );
});

test("event files change no bit of the run, and are not there unless asked for", async () => {
  const [plain, watched] = [tempFolder(), tempFolder()];
  await trainIn(plain);
  await trainIn(watched, { tensorboard: true });
  const bytes = (path: string) =>
    ["student", "teacher", "optimizer"].map((part) =>
      readFileSync(join(new RunFolder(path).checkpoints.folderOf(8), `${part}.safetensors`)).toString("hex"),
    );
  assert.ok(bytes(plain).join() === bytes(watched).join());
  assert.equal(linesIn(plain, "metrics.jsonl"), linesIn(watched, "metrics.jsonl"));
  assert.not.ok(existsSync(join(plain, "tensorboard")));
});

test("a run that is replaced takes its timing and event files with it, and leaves other files there alone", async () => {
  const path = tempFolder();
  await trainIn(path, { tensorboard: true, steps: 1 });
  writeFileSync(join(path, "tensorboard", "notes.txt"), "mine");
  RunFolder.create(path, { overwrite: true }).unlock();
  assert.equal(readdirSync(join(path, "tensorboard")), ["notes.txt"]);
  assert.not.ok(existsSync(join(path, "timing.jsonl")));
});
