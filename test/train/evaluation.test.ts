import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { MemoryError } from "../../src/errors.js";
import { extractFeatures } from "../../src/eval/features.js";
import { init, memory } from "../../src/runtime/context.js";
import type { EvaluateTeacher, Evaluation } from "../../src/train/evaluation.js";
import { type LoopOptions, trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();
const source = squareSource(22);
const every3 = ["evaluation.knn=unused", "evaluation.eval_period_iterations=3"];

/** Stands for a protocol: passes labelled images through the teacher. */
const evaluate: EvaluateTeacher = async (teacher) => {
  const { features } = await extractFeatures(source, teacher);
  const sum = Array.from(features.toArray()).reduce((total, value) => total + value, 0);
  features.dispose();
  return { knn: { 10: 0.5, 20: sum }, featureStd: 0.25 };
};

async function run(overrides: readonly string[], options: Partial<LoopOptions> = {}, path = tempFolder()) {
  const folder = new RunFolder(path);
  const trainer = new Trainer(runConfig(...overrides), source);
  const saved = folder.checkpoints.loadNewest((message) => assert.unreachable(message));
  if (saved) trainer.restore(saved);
  folder.truncateMetrics(trainer.iteration);
  const evaluations: Evaluation[] = [];
  try {
    await trainLoop(trainer, folder, { model: "{}", onEvaluation: (line) => evaluations.push(line), ...options });
  } finally {
    trainer.dispose();
  }
  return { path, folder, evaluations };
}

const linesOf = (path: string): Evaluation[] =>
  readFileSync(join(path, "evaluations.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("evaluations come at the start, every so many steps and at the end, a line each", async () => {
  const { path, evaluations } = await run(every3, { evaluate });
  assert.equal(
    evaluations.map(({ iteration }) => iteration),
    [0, 3, 6, 8],
  );
  assert.equal(linesOf(path), JSON.parse(JSON.stringify(evaluations)));
  const [start, first] = evaluations;
  assert.equal([start.teacherEntropy, start.teacherMeanEntropy, start.lossOverLnK], [null, null, null]);
  assert.ok(first.teacherEntropy! > 0 && first.teacherEntropy! <= first.teacherMeanEntropy!);
  assert.ok(first.teacherMeanEntropy! > 0.99 && first.teacherMeanEntropy! <= 1, "Sinkhorn-Knopp");
  assert.ok(first.lossOverLnK! > 0.5 && first.lossOverLnK! < 2);
  assert.equal(Object.keys(first.knn), ["10", "20"]);
  assert.is.not(first.knn[20], start.knn[20], "the teacher has moved");
  const minutes = evaluations.map(({ elapsedMinutes }) => elapsedMinutes);
  assert.equal(
    minutes,
    [...minutes].sort((a, b) => a - b),
  );
});

test("null steps mean one epoch, and minutes count besides", async () => {
  const epochs = await run(["evaluation.knn=unused", "evaluation.eval_period_iterations=null"], { evaluate });
  assert.equal(
    epochs.evaluations.map(({ iteration }) => iteration),
    [0, 4, 8],
  );
  const byTime = ["evaluation.knn=unused", "evaluation.every_minutes=1e-9"];
  assert.equal(
    (await run(byTime, { evaluate })).evaluations.map(({ iteration }) => iteration),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test("a run without something to evaluate with has no evaluations", async () => {
  const { path, evaluations } = await run([]);
  assert.equal(evaluations, []);
  assert.not.ok(existsSync(join(path, "evaluations.jsonl")));
});

test("evaluations change no byte of a checkpoint and no metric", async () => {
  const [with_, without] = [await run(every3, { evaluate }), await run([])];
  for (const step of [0, 6, 8]) {
    for (const part of ["student", "teacher", "optimizer"]) {
      const bytes = ({ folder }: typeof without) =>
        readFileSync(join(folder.checkpoints.folderOf(step), `${part}.safetensors`));
      assert.ok(bytes(with_).equals(bytes(without)), `step ${step}: ${part}`);
    }
  }
  const metrics = ({ path }: typeof without) => readFileSync(join(path, "metrics.jsonl"), "utf8");
  assert.is(metrics(with_), metrics(without));
});

test("evaluations give their memory back: steps find what they find without", async () => {
  const inUse = async (options: Partial<LoopOptions>) => {
    const bytes: number[] = [];
    const everyStep = ["evaluation.knn=unused", "evaluation.eval_period_iterations=1"];
    await run(everyStep, { ...options, onStep: () => void bytes.push(memory().persistentBytes) });
    return bytes.map((count) => count - bytes[0]);
  };
  assert.equal(await inUse({ evaluate }), await inUse({}));
});

test("a resumed run goes on with evaluations as one that was not stopped, and with the minutes", async () => {
  const whole = await run(every3, { evaluate });
  const stop = new AbortController();
  const first = await run(every3, {
    evaluate,
    signal: stop.signal,
    onStep: ({ iteration }) => void (iteration === 4 && stop.abort()),
  });
  assert.equal(
    first.evaluations.map(({ iteration }) => iteration),
    [0, 3],
  );
  const second = await run(every3, { evaluate }, first.path);
  assert.equal(
    second.evaluations.map(({ iteration }) => iteration),
    [6, 8],
  );
  const timeless = (path: string) => linesOf(path).map(({ elapsedMinutes: _, ...line }) => line);
  assert.equal(timeless(first.path), timeless(whole.path));
  const minutes = linesOf(first.path).map(({ elapsedMinutes }) => elapsedMinutes);
  assert.equal(
    minutes,
    [...minutes].sort((a, b) => a - b),
  );
});

test("a signal during an evaluation ends the run after it, without a line if the evaluation was given up", async () => {
  const stop = new AbortController();
  let calls = 0;
  const givesUp: EvaluateTeacher = async (teacher) => {
    if (++calls === 1) return evaluate(teacher);
    stop.abort();
    return null;
  };
  const { folder, evaluations } = await run(every3, { evaluate: givesUp, signal: stop.signal });
  assert.equal(
    evaluations.map(({ iteration }) => iteration),
    [0],
  );
  assert.is(folder.checkpoints.steps().at(-1), 3);
});

test("an evaluation for which memory is short is told once and left out from then on; the run goes on", async () => {
  const warnings: string[] = [];
  let calls = 0;
  const short: EvaluateTeacher = async () => {
    calls++;
    throw new MemoryError("memory: 4 GiB are not enough.");
  };
  const { folder } = await run(every3, { evaluate: short, onWarning: (message) => warnings.push(message) });
  assert.is(calls, 1);
  assert.equal(warnings, [
    "memory: 4 GiB are not enough. The run goes on without evaluations; lower evaluation.images.",
  ]);
  assert.is(folder.checkpoints.steps().at(-1), 8);
});

test("any other error of an evaluation ends the run", async () => {
  const fails: EvaluateTeacher = async () => {
    throw new TypeError("a fault");
  };
  await run(every3, { evaluate: fails }).then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, TypeError),
  );
});
