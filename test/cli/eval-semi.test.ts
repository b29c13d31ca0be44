import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
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

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, [], /--share or --per-class is missing/],
    [2, ["--share", "0.1", "--per-class", "2"], /exclude each other/],
    [2, ["--share", "2"], /--share is "2", expected a number above 0 and below 1/],
    [2, ["--per-class", "0"], /--per-class is "0"/],
    [2, ["--per-class", "2", "--lambda", "1,-1"], /--lambda is "1,-1"/],
    [2, ["--per-class", "2", "--draws", "0"], /--draws is "0"/],
    [2, ["--per-class", "2", "--folds", "1"], /--folds is "1"/],
    [3, ["--per-class", "13"], /class 0 has 12 examples, 13 are needed/],
    [3, ["--per-class", "1"], /has one label, so no penalty can be chosen/],
  ] as const) {
    assert.match((await expectCode(code, semi(...args), { cwd })).stderr, message);
  }
});
