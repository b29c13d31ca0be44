import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Output } from "../../src/cli/output.js";
import { trainingEvaluation } from "../../src/cli/training-evaluation.js";
import { openSource } from "../../src/data/source-spec.js";
import { resolveConfig } from "../../src/poa/config.js";
import { init, memory } from "../../src/runtime/context.js";
import { expectCode, imagesIn, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { runsOutOfTargets } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

/** Two hundred steps, on a machine that others use too. */
const SLOW = { timeoutMs: 120_000 };

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);

const pretrain = (out: string, ...settings: string[]) => [...tinyPretrain.slice(0, -1), out, ...settings];
const linesOf = (run: string) =>
  readFileSync(join(cwd, run, "evaluations.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a run tells and writes down how its teacher does; the last line is what eval knn says", async () => {
  const args = pretrain("run", "evaluation.knn=split", "evaluation.eval_period_iterations=4");
  const { events, stderr } = await expectCode(0, [...args, "--json"], { cwd });
  const told = events.filter(({ event }) => event === "evaluation").map(({ event: _, ...line }) => line);
  assert.equal(told, linesOf("run"));
  assert.equal(
    told.map(({ iteration }) => iteration),
    [0, 4, 8],
  );
  assert.match(stderr, /evaluation at step 8: k-NN [01]\.\d{4} \(k = 10\), .* feature std .*, target entropy .* ln K/);
  const evaluated = ["eval", "knn", "run", "--data", "split", "--k", "10,20", "--json"];
  const { top1 } = (await expectCode(0, evaluated, { cwd })).result;
  const { knn, featureStd } = told[2] as { knn: Record<string, number>; featureStd: number };
  for (const k of [10, 20]) assert.ok(Math.abs(knn[k] - (top1 as Record<number, number>)[k]) < 1e-12);
  assert.ok(featureStd > 0 && featureStd <= 1 / Math.sqrt(16) + 1e-6);
});

test("checkpoints are those of a run without evaluations, byte by byte", async () => {
  await expectCode(0, pretrain("plain"), { cwd });
  for (const part of ["student", "teacher", "optimizer"]) {
    const bytes = (run: string) => readFileSync(join(cwd, run, "checkpoints", "000000008", `${part}.safetensors`));
    assert.ok(bytes("run").equals(bytes("plain")), part);
  }
  assert.not.ok(existsSync(join(cwd, "plain", "evaluations.jsonl")));
});

test("the number of images is bounded, and images without a test split are dealt", async () => {
  const some = ["evaluation.images=3", "evaluation.eval_period_iterations=100"];
  const run = async (out: string, spec: string) => {
    const { stderr } = await expectCode(0, pretrain(out, `evaluation.knn=${spec}`, ...some), { cwd });
    return stderr;
  };
  for (const [out, spec] of [
    ["dealt", "images"],
    ["one", "split#train"],
    ["both", "split"],
  ]) {
    assert.match(await run(out, spec), /evaluating, queries: 3\/3 images|evaluation at step 8/);
    const { knn } = linesOf(out).at(-1);
    for (const k of [10, 20])
      assert.ok(Math.abs(3 * knn[k] - Math.round(3 * knn[k])) < 1e-9, "thirds of three queries");
  }
});

test("the data spec means the same wherever the run is resumed, and missing data is told with the way out", async () => {
  const config = readFileSync(join(cwd, "run", "config.yaml"), "utf8");
  const spec = /^ {2}knn: "(.*)"$/m.exec(config)![1];
  assert.is(spec, `folder:${join(cwd, "split")}`);
  assert.is((await openSource(spec, { split: "test" })).length, 10);
  rmSync(join(cwd, "split"), { recursive: true });
  const { stderr } = await expectCode(3, ["resume", "run"], { cwd });
  assert.match(stderr, /split does not exist.*evaluation\.knn in run\/config\.yaml/);
  imagesIn(join(cwd, "split", "train"), 8);
  imagesIn(join(cwd, "split", "test"), 5);
  await expectCode(0, ["resume", "run"], { cwd });
});

test("labelled data that is not there, or has no labels, is told before anything is made", async () => {
  for (const [code, setting, message] of [
    [3, "evaluation.knn=missing", /missing does not exist/],
    [3, "evaluation.knn=images/left", /has no labels/],
    [2, "evaluation.knn=csv:x", /kind csv is unknown/],
    [2, "evaluation.every_minutes=1", /name labelled data in evaluation\.knn/],
  ] as const) {
    assert.match((await expectCode(code, pretrain("none", setting), { cwd })).stderr, message);
    assert.not.ok(existsSync(join(cwd, "none")));
  }
});

test("an evaluation leaves no memory behind, whether it ends, is given up or fails", async () => {
  await init();
  const config = resolveConfig({}, { overrides: [`evaluation.knn=${join(cwd, "split")}`] }).config;
  const evaluate = (await trainingEvaluation(config, new Output({ json: false, quiet: true })))!;
  const encoder = tinyEncoder();
  const { persistentBytes } = memory();
  const scores = (await evaluate(encoder))!;
  assert.equal(Object.keys(scores.knn), ["10", "20"]);
  assert.equal(await evaluate(encoder), scores, "the same images every time");
  assert.is(memory().persistentBytes, persistentBytes);
  assert.is(await evaluate(encoder, AbortSignal.abort()), null);
  assert.is(memory().persistentBytes, persistentBytes);
});

test("a signal during an evaluation is heard: the run saves and ends with 130", async () => {
  imagesIn(join(cwd, "many", "train"), 400);
  imagesIn(join(cwd, "many", "test"), 400);
  const { child, said, done } = startPoa(pretrain("stopped", "evaluation.knn=many"), { cwd });
  await said(/evaluating, /);
  child.kill("SIGINT");
  const { code } = await done;
  assert.is(code, 130);
  assert.not.ok(existsSync(join(cwd, "stopped", "evaluations.jsonl")));
  assert.ok(existsSync(join(cwd, "stopped", "checkpoints", "000000000")));
});

test(
  "a run that has collapsed ends with 4 if it is to",
  async () => {
    const args = pretrain("collapsed", ...runsOutOfTargets, "train.stop_on_collapse=true", "--quiet");
    const { stderr } = await expectCode(4, args, { cwd });
    assert.match(stderr, /step 190: collapse: .*Lower teacher\.teacher_temp \(50\)/);
    assert.match(stderr, /last checkpoint is collapsed\/checkpoints\/000000189\./);
  },
  SLOW,
);
