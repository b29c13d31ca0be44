import { cpSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);
await expectCode(0, tinyPretrain, { cwd });

const rank = (...args: string[]) => ["subnets", "rank", "run", "--data", "split", ...args];
const rankFile = (run = "run") => JSON.parse(readFileSync(join(cwd, run, "rank.json"), "utf8"));

test("there is a line per network, best first, and a closing result; rank.json holds the same", async () => {
  const { events, result } = await expectExit(0, rank("--k", "3", "--json"), { cwd });
  const networks = events.filter(({ event }) => event === "network");
  assert.is(networks.length, 4);
  assert.is(events.length, 5);
  const accuracies = networks.map(({ knn }) => knn as number);
  assert.equal(
    accuracies,
    [...accuracies].sort((a, b) => b - a),
  );
  for (const { event: _, ...network } of networks) {
    const { knn, interval, ms, msP95, params, macs, draws, pareto } = network as Record<string, number> & {
      interval: { low: number; high: number };
    };
    assert.ok(knn >= 0 && knn <= 1 && interval.low <= knn && knn <= interval.high);
    assert.ok(ms > 0 && msP95 >= ms && params > 0 && macs > 0);
    assert.is(draws, 1);
    assert.type(pareto, "boolean");
  }
  assert.ok(networks.some(({ pareto }) => pareto));
  const saved = rankFile();
  assert.equal(
    saved.networks,
    networks.map(({ event: _, ...network }) => network),
  );
  assert.equal([saved.data, saved.test, saved.k], ["split", "split#test", 3]);
  assert.equal([saved.bank, saved.queries, saved.images, saved.steps, saved.space], [16, 10, 26, 8, 4]);
  assert.equal([saved.threads, saved.batch, saved.host.cpu], [1, 1, cpus()[0].model.trim()]);
  const { event, name, count, file, violations, spearman } = result;
  assert.equal([event, name, count, file], ["result", "16x2", 4, join("run", "rank.json")]);
  assert.equal([violations, spearman], [saved.violations, saved.spearman]);
  assert.not.ok("draws" in result);
});

test("figures are those of the verbs that find them one by one: list, extract, eval knn", async () => {
  await expectCode(0, rank("--k", "3", "--quiet"), { cwd });
  const ranked = rankFile().networks as Record<string, unknown>[];
  const listed = (await expectCode(0, ["subnets", "list", "run", "--json"], { cwd })).events.slice(0, -1);
  const extract = ["subnets", "extract", "run", "--net", "all", "--out", "all", "--json"];
  const files = (await expectCode(0, extract, { cwd })).events.slice(0, -1);
  for (const { name, params, macs, width, depth, bytes, knn } of ranked) {
    const known = listed.find((network) => network.name === name)!;
    assert.equal([params, macs, width, depth], [known.params, known.macs, known.width, known.depth]);
    assert.is(bytes, files.find((file) => file.name === name)!.bytes);
    const evaluated = ["eval", "knn", "run", "--net", name as string, "--data", "split", "--k", "3", "--json"];
    const { top1 } = (await expectCode(0, evaluated, { cwd })).result;
    assert.is(knn, (top1 as Record<string, number>)[3]);
  }
});

test("people get a table, the front, and what is said about size", async () => {
  const { stdout } = await expectCode(0, rank(), { cwd });
  const lines = stdout.split("\n");
  assert.match(lines[0], /^network +k-NN +95 % +params +macs +MB +ms +p95 +draws +front$/);
  for (const line of lines.slice(1, 5)) assert.match(line, /^\d+x\d +[01]\.\d{4} +[01]\.\d{4}-[01]\.\d{4} /);
  assert.match(stdout, /4 of 4 networks, 20 neighbours, 16 images in the bank, 10 queries/);
  assert.match(stdout, /Pareto front \(accuracy, time, parameters\): \d+x\d/);
  assert.match(stdout, /Spearman correlation of accuracy with parameters/);
});

test("fewer networks and images can be ranked; corners are always among them", async () => {
  const wide = ["student.max_embed_dim=32", "student.max_depth=4"];
  const train = ["pretrain", "--config", "tiny.yaml", "--data", "images", "--out", "wide", ...wide, "optim.epochs=0.5"];
  await expectCode(0, [...train, "optim.warmup_epochs=0"], { cwd });
  const args = [
    "subnets",
    "rank",
    "wide",
    "--data",
    "split",
    "--sample",
    "6",
    "--images",
    "7",
    "--batch",
    "3",
    "--json",
  ];
  const { events } = await expectCode(0, args, { cwd });
  const names = events.slice(0, -1).map(({ name }) => name);
  for (const corner of ["8x1", "8x4", "32x1", "32x4"]) assert.ok(names.includes(corner), corner);
  assert.is(names.length, 6);
  const { space, bank, queries, batch, images } = rankFile("wide");
  assert.equal([space, bank, queries, batch, images], [16, 7, 7, 3, 14]);
});

test("the same images are drawn every time", async () => {
  const knn = async () => {
    await expectCode(0, rank("--images", "6", "--quiet"), { cwd });
    return rankFile().networks.map((network: Record<string, unknown>) => [network.name, network.knn]);
  };
  assert.equal(new Map(await knn()), new Map(await knn()));
});

test("what is wrong has its message and exit code, and leaves no rank.json", async () => {
  cpSync(join(cwd, "run"), join(cwd, "fresh"), { recursive: true, filter: (path) => !path.endsWith("rank.json") });
  const fresh = ["subnets", "rank", "fresh"];
  for (const [code, args, message] of [
    [2, ["subnets", "rank", "images", "--data", "split"], /images is no run/],
    [2, fresh, /--data SPEC is missing/],
    [2, [...fresh, "--data", "split", "--sample", "3"], /do not hold the 4 corners/],
    [2, [...fresh, "--data", "split", "--k", "0"], /--k is "0"/],
    [2, [...fresh, "--data", "split", "--images", "100000"], /at most 65,535/],
    [2, [...fresh, "--data", "split", "--latency-threads", "65"], /at most 64/],
    [2, [...fresh, "--data", "split", "--latency-threads", "many"], /--latency-threads is "many"/],
    [2, [...fresh, "--data", "split#train"], /names one split/],
    [3, [...fresh, "--data", "missing"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, args, { cwd })).stderr, message);
  }
  assert.throws(() => rankFile("fresh"), /ENOENT/);
});
