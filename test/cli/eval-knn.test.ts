import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { tarFile } from "../support/tar-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);
await expectCode(0, tinyPretrain, { cwd });

const knn = (...args: string[]) => ["eval", "knn", "run", ...args];

test("the result holds the network and an accuracy for each k", async () => {
  const { result, events } = await expectExit(0, knn("--data", "split", "--k", "1,3,100", "--json"), { cwd });
  assert.is(events.length, 1);
  assert.equal([result.event, result.network, result.bank, result.queries], ["result", "16x2", 16, 10]);
  const top1 = result.top1 as Record<string, number>;
  assert.equal(Object.keys(top1), ["1", "3", "100"]);
  assert.is(top1[1], 1, "the queries are among the bank, so the nearest is the image itself");
  for (const accuracy of Object.values(top1)) assert.ok(accuracy >= 0 && accuracy <= 1);
  assert.not.ok("shot1" in result);
});

test("few labels can be asked for beside all of them", async () => {
  const { stdout } = await expectCode(0, knn("--data", "split", "--k", "3", "--shots", "2", "--draws", "4"), { cwd });
  assert.match(
    stdout,
    /^network 16x2\nk = 3: [01]\.\d{4} \(.*\), top-5 1\.0000\nshot2: [01]\.\d{4} \(.*\)\nshot2, k = 3: /,
  );
  const fewer = await expectCode(0, knn("--data", "split", "--k", "3", "--shots", "1"), { cwd });
  assert.not.match(fewer.stdout, /shot1, k = 3/, "two labels have no third neighbour");
  const { stderr } = await expectCode(3, knn("--data", "split", "--k", "3", "--shots", "9"), { cwd });
  assert.match(stderr, /class 0 has 8 examples, 9 are needed/);
});

test("accuracies come with intervals, top-5, and the spread over draws of few labels", async () => {
  const args = knn("--data", "split", "--k", "3,1", "--shots", "1,2", "--draws", "3", "--json");
  const { result } = await expectCode(0, args, { cwd });
  const { top1, top5, interval, fewShot } = result as unknown as Figures;
  assert.equal(top5, { 1: 1, 3: 1 }, "there are two classes");
  for (const k of [1, 3]) assert.ok(interval[k].low <= top1[k] && top1[k] <= interval[k].high);
  assert.equal([Object.keys(fewShot), result.draws, result.temperature], [["1", "2"], 3, 0.07]);
  for (const n of [1, 2]) {
    const { mean, std, min, max } = fewShot[n].top1[1];
    assert.is(mean, result[`shot${n}`]);
    assert.ok(min <= mean && mean <= max && std >= 0);
    assert.equal(Object.keys(fewShot[n].top1), ["1", "3"]);
  }
});

interface Figures {
  readonly top1: Record<number, number>;
  readonly top5: Record<number, number>;
  readonly interval: Record<number, { low: number; high: number }>;
  readonly fewShot: Record<number, { top1: Record<number, Record<"mean" | "std" | "min" | "max", number>> }>;
  readonly baselines: Record<string, Figures & { features: number }>;
}

test("features that need no training can stand beside", async () => {
  const args = knn("--data", "split", "--k", "1", "--baselines");
  const { result } = await expectCode(0, [...args, "--json"], { cwd });
  const { baselines } = result as unknown as Figures;
  assert.equal(Object.keys(baselines), ["rawPixels", "normalizedPixels", "pca", "whitenedPca"]);
  for (const { top1, interval, features } of Object.values(baselines)) {
    assert.is(top1[1], 1, "the queries are among the bank");
    assert.equal(interval[1], { low: 1, high: 1 });
    assert.ok(features === 768 || features === 15);
  }
  const { stdout } = await expectCode(0, args, { cwd });
  assert.match(stdout, /^raw pixels +768 +1\.0000$/m);
  assert.match(stdout, /^the same, whitened +15 +1\.0000$/m);
});

test("the temperature of the vote can be chosen", async () => {
  const { result } = await expectCode(0, knn("--data", "split", "--temperature", "0.5", "--json"), { cwd });
  assert.is(result.temperature, 0.5);
});

test("queries may stand elsewhere, in a folder with or without splits", async () => {
  const { result } = await expectCode(0, knn("--data", "images", "--test", "split", "--k", "1", "--json"), { cwd });
  assert.equal([result.bank, result.queries], [16, 10]);
  const plain = await expectCode(0, knn("--data", "images@0..8", "--test", "split/test", "--k", "1", "--json"), {
    cwd,
  });
  assert.equal([plain.result.bank, plain.result.queries], [8, 10]);
  const named = await expectCode(0, knn("--data", "split#test", "--test", "split#train", "--k", "1", "--json"), {
    cwd,
  });
  assert.equal([named.result.bank, named.result.queries], [10, 16]);
});

test("bank and queries may be lists, patterns and shards, which are taken whole", async () => {
  const images = ["left/000.png", "left/002.png", "right/001.png", "right/003.png"];
  const members = images.map((path, i) => ({
    name: `${i}.png`,
    content: readFileSync(join(cwd, "split", "test", path)),
  }));
  const labels = images.map((path, i) => ({ name: `${i}.cls`, content: path.split("/")[0] }));
  writeFileSync(join(cwd, "some-0.tar"), tarFile(members.flatMap((member, i) => [member, labels[i]])));
  writeFileSync(join(cwd, "list.txt"), images.map((path) => `split/test/${path}\t${path.split("/")[0]}\n`).join(""));
  const sources = ["wds:some-{0..0}.tar", "list:list.txt", "glob:split/test/*/00[0-3].png"];
  for (const [i, data] of sources.entries()) {
    const test = sources[(i + 1) % sources.length];
    const { result } = await expectExit(0, knn("--data", data, "--test", test, "--k", "1", "--json"), { cwd });
    assert.equal([result.bank, result.queries, result.top1], [4, 4, { 1: 1 }], `${data} and ${test}`);
  }
});

test("a sub-network in place, or a file, can be evaluated", async () => {
  const slice = await expectCode(0, knn("--data", "split", "--net", "8x1", "--k", "3", "--json"), { cwd });
  assert.is(slice.result.network, "8x1");
  await expectCode(0, ["subnets", "extract", "run", "--net", "8x1", "--out", "."], { cwd });
  const file = await expectCode(0, ["eval", "knn", "8x1.safetensors", "--data", "split", "--k", "3", "--json"], {
    cwd,
  });
  assert.equal(file.result, slice.result);
});

test("what is wrong has its message and exit code", async () => {
  const flat = tempFolder({ "a.png": "", "b.png": "" });
  for (const [code, args, message] of [
    [2, ["--data", "split", "--k", "0"], /--k is "0", expected whole numbers/],
    [2, ["--data", "split", "--k", "3,x"], /--k is "3,x"/],
    [2, ["--data", "split", "--shots", "0"], /--shots is "0"/],
    [2, ["--data", "split", "--temperature", "0"], /--temperature is "0", expected a number above 0/],
    [2, ["--data", "split#test"], /names one split/],
    [2, ["--data", "split", "--net", "9x9"], /Nearest:/],
    [3, ["--data", "images"], /no test split/],
    [3, ["--data", flat, "--test", flat], /has no labels/],
    [3, ["--data", "split", "--test", "missing"], /missing does not exist/],
    [3, ["--data", "missing"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, knn(...args), { cwd })).stderr, message);
  }
});

test("other classes in the queries are refused", async () => {
  const other = tempFolder();
  imagesIn(join(other, "train"), 2);
  writeFileSync(join(other, "train", "left", "x.png"), "");
  const { stderr } = await expectCode(3, knn("--data", "split", "--test", `${other}/train/left@0..1`), { cwd });
  assert.match(stderr, /has no labels|has classes/);
});

test("broken images are left out with a warning each, or end it with --strict", async () => {
  const folder = tempFolder();
  imagesIn(join(folder, "train"), 4);
  imagesIn(join(folder, "test"), 2);
  writeFileSync(join(folder, "test", "right", "bad.png"), "broken");
  const args = knn("--data", folder, "--k", "1", "--json");
  const { result, stderr } = await expectCode(0, args, { cwd });
  assert.equal([result.bank, result.queries], [8, 4]);
  assert.is(stderr.match(/^warning: /gm)?.length, 1);
  await expectCode(3, [...args, "--strict"], { cwd });
});
