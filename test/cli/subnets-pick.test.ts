import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { readEncoder } from "../../src/export/encoder-file.js";
import { init } from "../../src/runtime/context.js";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);
await expectCode(0, tinyPretrain, { cwd });
cpSync(join(cwd, "run"), join(cwd, "unranked"), { recursive: true });
await expectCode(0, ["subnets", "rank", "run", "--data", "split", "--quiet"], { cwd });

const pick = (...args: string[]) => ["subnets", "pick", "run", "--out", "picked", ...args];
const path = join(cwd, "run", "rank.json");
const ranking = JSON.parse(readFileSync(path, "utf8"));

/** rank.json with chosen accuracies and times, as if measured so. */
function rankedAs(figures: Record<string, { knn: number; ms: number }>, changes: Record<string, unknown> = {}): void {
  const networks = ranking.networks
    .map((network: { name: string }) => ({ ...network, ...figures[network.name] }))
    .sort((a: { knn: number }, b: { knn: number }) => b.knn - a.knn);
  writeFileSync(path, JSON.stringify({ ...ranking, networks, ...changes }));
}

const usual = {
  "8x1": { knn: 0.5, ms: 0.1 },
  "8x2": { knn: 0.7, ms: 0.2 },
  "16x1": { knn: 0.6, ms: 0.3 },
  "16x2": { knn: 0.9, ms: 0.4 },
};
const paramsOf = (name: string) => ranking.networks.find((network: { name: string }) => network.name === name).params;
const bytesOf = (name: string) => ranking.networks.find((network: { name: string }) => network.name === name).bytes;

test("the most accurate network within the budget is extracted as by subnets extract", async () => {
  rankedAs(usual);
  const { result, events } = await expectExit(0, pick("--max-ms", "0.35", "--json"), { cwd });
  assert.equal([result.event, result.network, result.knn, result.ms], ["result", "8x2", 0.7, 0.2]);
  assert.is(result.file, join("picked", "8x2.safetensors"));
  assert.is(events[0].event, "file");
  assert.ok((result.maxAbsDiff as number) <= 1e-5);
  await expectCode(0, ["subnets", "extract", "run", "--net", "8x2", "--out", "same", "--quiet"], { cwd });
  const bytes = (folder: string) => readFileSync(join(cwd, folder, "8x2.safetensors"));
  assert.ok(bytes("picked").equals(bytes("same")));
  assert.is(bytes("picked").length, result.bytes);
  await init();
  assert.is(readEncoder(join(cwd, "picked", "8x2.safetensors")).spec.width, 8);
  assert.ok(readdirSync(join(cwd, "picked")).includes("manifest.json"));
});

test("each quantity can be limited, several at once, or none; a limit that is met exactly fits", async () => {
  rankedAs(usual);
  const picked = async (...args: string[]) => (await expectCode(0, pick(...args, "--json"), { cwd })).result.network;
  assert.is(await picked(), "16x2");
  assert.is(await picked("--max-ms", "0.3"), "8x2");
  assert.is(await picked("--max-params", String(paramsOf("8x2"))), "8x2");
  assert.is(await picked("--max-params", String(paramsOf("8x2") - 1)), "8x1");
  assert.is(await picked("--max-mb", String(bytesOf("16x1") / 1e6), "--max-params", "1e9"), "8x2");
  rankedAs({ ...usual, "8x1": { knn: 0.9, ms: 0.1 } });
  assert.is(await picked("--max-ms", "0.15"), "8x1");
});

test("people read the accuracy and all costs", async () => {
  rankedAs(usual);
  const { stdout } = await expectCode(0, pick("--max-ms", "0.1"), { cwd });
  assert.match(stdout, /8x1: k-NN 0\.5000 \(95 %: .*\)\n0\.1 ms, [\d,]+ parameters, 0\.\d+ MB\n$/);
});

test("an impossible budget ends with 2, says what the smallest network costs and which limit fails", async () => {
  rankedAs(usual);
  const args = pick("--max-ms", "0.05", "--max-params", "1e6", "--max-mb", "0.000001", "--out", "none");
  const { stderr } = await expectCode(2, args, { cwd });
  assert.match(stderr, /no network fits\. The smallest, 8x1, takes 0\.1 ms, --max-ms allows 0\.05 ms: too much;/);
  assert.match(stderr, /[\d,]+ parameters, --max-params allows 1,000,000 parameters: fits;/);
  assert.match(stderr, /0\.\d+ MB, --max-mb allows 0\.000001 MB: too much/);
  assert.not.ok(existsSync(join(cwd, "none")));
  rankedAs({ ...usual, "16x1": { knn: 0.6, ms: 0.02 } });
  const faster = await expectCode(2, pick("--max-ms", "0.01"), { cwd });
  assert.match(faster.stderr, /too much \(least: 16x1, 0\.02 ms\)/);
});

test("times of another machine are measured anew where time is limited, and rank.json stays", async () => {
  rankedAs(usual, { host: { cpu: "another machine" } });
  const before = readFileSync(path, "utf8");
  const { result, stderr } = await expectCode(0, pick("--max-ms", "1e5", "--json"), { cwd });
  assert.match(stderr, /rank\.json was measured elsewhere \(another machine, plain\); timing the networks here/);
  assert.is(result.network, "16x2");
  assert.is.not(result.ms, 0.4);
  const untimed = await expectCode(0, pick("--max-params", "1e9", "--json"), { cwd });
  assert.not.match(untimed.stderr, /elsewhere/);
  assert.not.ok("ms" in untimed.result, "a time of elsewhere is not told as one of here");
  assert.is(readFileSync(path, "utf8"), before);
});

test("a run that is not ranked is ranked first where data is given, else refused with the way out", async () => {
  const args = ["subnets", "pick", "unranked", "--max-params", "1e6", "--out", "picked"];
  const { stderr } = await expectCode(2, args, { cwd });
  assert.match(stderr, /have not been ranked\. Name labelled images with --data, or run `poa subnets rank` first/);
  const { result } = await expectCode(0, [...args, "--data", "split", "--json"], { cwd });
  const { networks } = JSON.parse(readFileSync(join(cwd, "unranked", "rank.json"), "utf8"));
  assert.equal([result.network, result.knn], [networks[0].name, networks[0].knn]);
});

test("a ranking of an older checkpoint does not count, one of other images neither", async () => {
  rankedAs(usual, { steps: 3 });
  const { stderr } = await expectCode(2, pick("--max-ms", "1"), { cwd });
  assert.match(stderr, /rank\.json is of step 3, the newest checkpoint of step 8/);
  const ranked = () => JSON.parse(readFileSync(path, "utf8"));
  await expectCode(0, pick("--max-params", "1e6", "--data", "split", "--quiet"), { cwd });
  assert.is(ranked().steps, 8);
  rankedAs(usual, { data: "other" });
  await expectCode(0, pick("--max-params", "1e6", "--data", "split", "--quiet"), { cwd });
  assert.equal([ranked().data, ranked().k], ["split", 20]);
});

test("a sampled ranking is said to be one", async () => {
  rankedAs(usual, { space: 143 });
  const { stderr } = await expectCode(0, pick("--max-params", "1e6"), { cwd });
  assert.match(stderr, /4 of 143 networks have been ranked; the others are left out/);
});

test("what is wrong has its message and exit code", async () => {
  rankedAs(usual);
  for (const [code, args, message] of [
    [2, pick("--max-ms", "fast"), /--max-ms is "fast", expected a number above 0/],
    [2, pick("--max-params", "0"), /--max-params is "0"/],
    [2, pick("--max-mb", ""), /--max-mb is ""/],
    [2, ["subnets", "pick", "images", "--out", "x"], /images is no run/],
    [2, ["subnets", "pick", "run"], /--out DIR is missing/],
  ] as const) {
    assert.match((await expectCode(code, args, { cwd })).stderr, message);
  }
  for (const damaged of ["{", "{}", JSON.stringify({ ...ranking, networks: [{ name: "8x1" }] })]) {
    writeFileSync(path, damaged);
    assert.match((await expectCode(3, pick(), { cwd })).stderr, /rank\.json is not what `poa subnets rank` writes/);
  }
});
