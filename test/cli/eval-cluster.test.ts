import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 3);
imagesIn(join(cwd, "split", "test"), 12);
await expectCode(0, tinyPretrain, { cwd });

const cluster = (...args: string[]) => ["eval", "cluster", "run", ...args];

test("the result holds accuracy, agreement and their intervals, as many clusters as classes unless asked otherwise", async () => {
  const { result, events } = await expectExit(0, cluster("--data", "split", "--json"), { cwd });
  assert.is(events.length, 1);
  assert.equal(
    [result.event, result.network, result.images, result.clusters, result.classes],
    ["result", "16x2", 24, 2, 2],
  );
  const { top1, nmi, ari, fmi, interval } = result as Record<string, number> & {
    interval: { low: number; high: number };
  };
  assert.ok(top1 >= 0.5 && top1 <= 1, "two clusters of two equal classes are half right at least");
  assert.ok(interval.low <= top1 && top1 <= interval.high);
  assert.ok(nmi >= 0 && nmi <= 1 && ari >= -0.5 && ari <= 1 && fmi >= 0 && fmi <= 1);
  const intervals = result.intervals as Record<string, { low: number; high: number }>;
  assert.equal(Object.keys(intervals), ["nmi", "ari", "fmi"]);
  const starts = result.starts as { inertia: number }[];
  assert.is(starts.length, 10);
  assert.is(result.inertia, Math.min(...starts.map((start) => start.inertia)));
});

test("the result is a function of the seed", async () => {
  const run = async (seed: string) =>
    (await expectCode(0, cluster("--data", "split", "--clusters", "5", "--seed", seed, "--json"), { cwd })).result;
  const first = await run("1");
  assert.equal(await run("1"), first);
  const { starts: _, ...other } = await run("2");
  assert.is(other.seed, 2);
  assert.is.not(JSON.stringify((await run("2")).starts), JSON.stringify(first.starts));
});

test("a folder without splits is taken as a whole, a sub-network can be chosen", async () => {
  const args = ["--data", "images", "--net", "8x1", "--restarts", "1", "--raw-length"];
  const { result } = await expectCode(0, cluster(...args, "--json"), { cwd });
  assert.equal([result.network, result.images, (result.starts as unknown[]).length], ["8x1", 16, 1]);
  const { stdout } = await expectCode(0, cluster(...args), { cwd });
  assert.match(stdout, /^network 8x1: 2 clusters of 16 images, 2 classes\n/);
  for (const name of ["accuracy, matched", "NMI", "ARI", "FMI"])
    assert.match(stdout, new RegExp(`^${name} +-?[01]\\.\\d{4} `, "m"));
});

test("lengths matter unless they are made equal", async () => {
  const args = cluster("--data", "split", "--clusters", "4", "--json");
  const unit = await expectCode(0, args, { cwd });
  const raw = await expectCode(0, [...args, "--raw-length"], { cwd });
  assert.is.not(unit.result.inertia, raw.result.inertia);
});

test("what is wrong has its message and exit code", async () => {
  const flat = tempFolder({ "a.png": "", "b.png": "" });
  for (const [code, args, message] of [
    [2, ["--data", "split", "--clusters", "0"], /--clusters is "0"/],
    [2, ["--data", "split", "--restarts", "0"], /--restarts is "0"/],
    [2, [], /--data SPEC is missing/],
    [3, ["--data", flat], /eval cluster: .* has no labels/],
    [3, ["--data", "missing"], /missing does not exist/],
    [3, ["--data", "split", "--clusters", "25"], /25 clusters of 24 images. Lower --clusters/],
  ] as const) {
    assert.match((await expectCode(code, cluster(...args), { cwd })).stderr, message);
  }
});
