import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, imagesIn, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 12);
imagesIn(join(cwd, "split", "test"), 6);
await expectCode(0, tinyPretrain, { cwd });

const semi = (...args: string[]) => ["eval", "semi", "run", "--data", "split", ...args];

test("the result holds the mean accuracy, its interval and every draw", async () => {
  const { result, events } = await expectExit(0, semi("--share", "0.5", "--draws", "3", "--json"), { cwd });
  assert.is(events.length, 1);
  assert.equal(
    [result.event, result.network, result.test, result.share, result.method],
    [...["result", "16x2", 12, 0.5, "logistic"]],
  );
  const draws = result.draws as { labels: number; lambda: number; top1: number }[];
  assert.equal(
    draws.map(({ labels }) => labels),
    [12, 12, 12],
  );
  for (const { lambda } of draws) assert.ok([0.01, 0.1, 1].includes(lambda));
  const { low, high } = result.interval as { low: number; high: number };
  const top1 = result.top1 as number;
  assert.ok(low <= top1 && top1 <= high && top1 > 0.5 && typeof result.deviation === "number");
});

test("a number of labels per class, one draw, one penalty", async () => {
  const { stdout } = await expectCode(0, semi("--per-class", "1", "--draws", "1", "--lambda", "0.5"), { cwd });
  assert.match(stdout, /^network 16x2\ntop-1 [01]\.\d{4} \(95 % .*\) of 12 test images, mean of 1 draw\n/);
  assert.match(stdout, /\n2 labels, penalty 0\.5\/n: [01]\.\d{4}\n$/);
});

test("the same call gives the same result; another seed, other labels", async () => {
  const args = semi("--per-class", "2", "--draws", "2", "--json");
  const first = (await expectCode(0, args, { cwd })).stdout;
  assert.is((await expectCode(0, args, { cwd })).stdout, first);
  const other = await expectCode(0, [...args, "--seed", "5", "--net", "8x1"], { cwd });
  assert.is(other.result.network, "8x1");
});

const few = ["--per-class", "3", "--method", "finetune", "--recipe", "small", "--json"];

test("the network is fine-tuned from each draw, and judged", async () => {
  const { result, events } = await expectExit(0, semi(...few, "--epochs", "4", "--draws", "2", "--net", "8x1"), {
    cwd,
  });
  assert.equal([result.network, result.method, result.perClass, result.epochs], ["8x1", "finetune", 3, 4]);
  assert.equal(
    (result.draws as { labels: number; iterations: number }[]).map(({ labels, iterations }) => [labels, iterations]),
    [
      [6, 4],
      [6, 4],
    ],
  );
  const { low, high } = result.interval as { low: number; high: number };
  assert.ok(low <= (result.top1 as number) && (result.top1 as number) <= high);
  const steps = events.filter(({ event }) => event === "step");
  assert.equal(
    steps.map(({ draw, iteration }) => [draw, iteration]),
    [0, 1].flatMap((draw) => [0, 1, 2, 3].map((iteration) => [draw, iteration])),
  );
});

test("the published recipe starts from the run's projection head; people read steps and figures", async () => {
  const args = ["--share", "0.1", "--method", "finetune", "--epochs", "2", "--out", "published"];
  const { stdout, stderr } = await expectCode(0, semi(...args), { cwd });
  assert.match(
    stdout,
    /^network 16x2\ntop-1 [01]\.\d{4} \(95 % .*\) of 12 test images, mean of 1 draw\n2 labels, 2 steps: /,
  );
  assert.match(stderr, /draw 1\/1 \[2\/2\] eta 0:00 {2}loss/);
  const { settings } = JSON.parse(readFileSync(join(cwd, "published", "draw-0", "finetune.json"), "utf8"));
  assert.equal([settings.lr, settings.lrBatch, settings.hidden, settings.epochs], [5e-6, 512, 16, 2]);
});

test("an interrupted call ends with 130; the same call continues with the same draws, to the same figures", async () => {
  const long = [...few, "--epochs", "60", "--draws", "2", "--out"];
  const whole = await expectExit(0, semi(...long, "whole"), { cwd });
  const running = startPoa(semi(...long, "stopped"), { cwd });
  await running.said(/"draw":1,"iteration":10,/);
  running.child.kill("SIGINT");
  const stopped = await running.done;
  assert.equal([stopped.code, stopped.result.interrupted], [130, true]);
  assert.match(stopped.stderr, /interrupted; the same call continues/);
  const { result } = await expectExit(0, semi(...long, "stopped"), { cwd });
  assert.equal({ ...result, out: "whole" }, whole.result);
  assert.equal(readdirSync(join(cwd, "stopped")), ["draw-0", "draw-1"]);
  const file = (out: string) => readFileSync(join(cwd, out, "draw-1", "model.safetensors"));
  assert.ok(file("stopped").equals(file("whole")));
  await expectExit(0, ["eval", "knn", "stopped/draw-1", "--data", "split", "--k", "1"], { cwd });
  const other = await expectExit(2, semi(...long, "whole", "--seed", "1"), { cwd });
  assert.match(other.stderr, /was begun with other seed, dataFingerprint.*--overwrite/);
  await expectExit(0, semi(...few, "--epochs", "1", "--out", "whole", "--overwrite"), { cwd });
});

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, [], /--share or --per-class is missing/],
    [2, ["--share", "0.1", "--per-class", "2"], /exclude each other/],
    [2, ["--share", "2"], /--share is "2", expected a number above 0 and below 1/],
    [2, ["--per-class", "0"], /--per-class is "0"/],
    [2, ["--per-class", "2", "--lambda", "1,-1"], /--lambda is "1,-1"/],
    [2, ["--per-class", "2", "--draws", "0"], /--draws is "0"/],
    [2, ["--per-class", "2", "--folds", "1"], /--folds is "1"/],
    [2, ["--per-class", "2", "--method", "other"], /--method is "other", expected logistic or finetune/],
    [2, ["--per-class", "2", "--lr", "1"], /--lr goes with --method finetune/],
    [2, ["--per-class", "2", "--published"], /--published goes with --method finetune/],
    [2, ["--per-class", "2", "--method", "finetune", "--folds", "3"], /--folds goes with --method logistic/],
    [2, ["--per-class", "2", "--method", "finetune", "--lr", "x"], /eval semi: --lr is "x", expected a number/],
    [2, ["--per-class", "2", "--method", "finetune", "--recipe", "x"], /eval semi: there is no recipe "x"/],
    [3, ["--per-class", "13"], /class 0 has 12 examples, 13 are needed/],
    [3, ["--per-class", "1"], /has one label, so no penalty can be chosen/],
  ] as const) {
    assert.match((await expectCode(code, semi(...args), { cwd })).stderr, message);
  }
});
