import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { readSafetensors } from "../../src/formats/safetensors.js";
import { expectCode, imagesIn, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 12);
imagesIn(join(cwd, "split", "test"), 6);
await expectCode(0, tinyPretrain, { cwd });

const linear = (...args: string[]) => ["eval", "linear", "run", "--data", "split", ...args];
const short = ["--iterations", "6", "--batch-size", "5"];

interface Score {
  layers: number;
  pooled: boolean;
  learningRate: number;
  selectionTop1: number | null;
  top1: number;
}

test("the result holds the accuracy of the chosen classifier, its interval and the whole grid", async () => {
  const { result, events } = await expectCode(0, linear(...short, "--cached", "--val-share", "0.25", "--json"), {
    cwd,
  });
  assert.equal(
    events.map(({ event }) => event),
    [...new Array(6).fill("step"), "result"],
  );
  assert.equal([result.network, result.select, result.iterations, result.batchSize], ["16x2", "val", 6, 5]);
  assert.equal(result.images, { train: 18, selection: 6, test: 12 });
  const classifiers = result.classifiers as Score[];
  assert.is(classifiers.length, 4 * 13, "2 layers or 1, with or without the mean, 13 learning rates");
  const best = Math.max(...classifiers.map(({ selectionTop1 }) => selectionTop1!));
  const { top1, ...named } = classifiers.find(({ selectionTop1 }) => selectionTop1 === best)!;
  assert.equal(result.classifier, named);
  assert.is(result.top1, top1);
  const { low, high } = result.interval as { low: number; high: number };
  assert.ok(low <= top1 && top1 <= high);
});

test("people read the figure and the best of each input", async () => {
  const { stdout } = await expectCode(0, linear(...short), { cwd });
  assert.match(stdout, /^network 16x2\ntop-1 [01]\.\d{4} \(95 % [01]\.\d{4} to [01]\.\d{4}\) of 12 test images\n/);
  assert.match(stdout, /\nchosen on 2 other images: [12] layers?( \+ patch mean)?, learning rate [\d.e-]+\n/);
  assert.match(
    stdout,
    /\n1 layer {2,}[\d.]+ +[01]\.\d{4} +[01]\.\d{4}\n1 layer \+ patch mean .*\n2 layers .*\n2 layers \+ patch mean /,
  );
});

test("the classifier can be chosen on the test images, or on images that stand elsewhere", async () => {
  const onTest = await expectCode(0, linear(...short, "--cached", "--select", "test", "--json"), { cwd });
  assert.equal(onTest.result.images, { train: 24, selection: 0, test: 12 });
  const { classifiers, top1 } = onTest.result as unknown as { classifiers: Score[]; top1: number };
  assert.is(top1, Math.max(...classifiers.map((score) => score.top1)));
  const elsewhere = await expectCode(0, linear(...short, "--cached", "--val", "images", "--json"), { cwd });
  assert.equal(elsewhere.result.images, { train: 24, selection: 16, test: 12 });
});

test("another grid can be asked for; a best value at its end is noted", async () => {
  const args = linear(...short, "--cached", "--learning-rates", "0.2,0.1", "--json");
  const { result, stderr } = await expectCode(0, args, { cwd });
  const rates = (result.classifiers as Score[]).map(({ learningRate }) => learningRate);
  assert.equal(rates, [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2]);
  const { learningRate } = result.classifier as Score;
  const side = learningRate === 0.1 ? "smallest" : "largest";
  assert.match(stderr, new RegExp(`the best learning rate, ${learningRate}, is the ${side} of the grid`));
});

test("a sub-network in place and its file give the same result, at any number of threads", async () => {
  await expectCode(0, ["subnets", "extract", "run", "--net", "8x1", "--out", "."], { cwd });
  const args = ["--data", "split", ...short, "--json"];
  const inPlace = await expectCode(0, ["eval", "linear", "run", "--net", "8x1", ...args, "--threads", "1"], { cwd });
  const file = await expectCode(0, ["eval", "linear", "8x1.safetensors", ...args, "--threads", "2"], { cwd });
  assert.is(inPlace.result.network, "8x1");
  assert.equal(file.result.classifiers, inPlace.result.classifiers);
});

const filesOf = (folder: string) =>
  readdirSync(join(cwd, folder))
    .sort()
    .map((name) => [name, readFileSync(join(cwd, folder, name)).toString("hex")]);

const long = ["--iterations", "150", "--batch-size", "8", "--json"];

test("an interrupted probe ends with 130; the same call continues, and ends with the same bytes", async () => {
  const whole = await expectCode(0, linear(...long, "--out", "whole"), { cwd });
  const running = startPoa(linear(...long, "--out", "stopped"), { cwd });
  await running.said(/"iteration":10,/);
  running.child.kill("SIGINT");
  const { code, result, stderr } = await running.done;
  assert.is(code, 130);
  assert.is(result.interrupted, true);
  assert.ok((result.iterations as number) > 10 && (result.iterations as number) < 150, `${result.iterations} steps`);
  assert.match(stderr, /interrupted after step \d+; the same call continues from stopped/);
  const continued = await expectCode(0, linear(...long, "--out", "stopped"), { cwd });
  assert.match(continued.stderr, new RegExp(`^continuing at step ${result.iterations} of 150$`, "m"));
  assert.equal(continued.result, whole.result);
  assert.ok(JSON.stringify(filesOf("stopped")) === JSON.stringify(filesOf("whole")));
});

test("the folder holds the result, the state and the chosen classifier, which says what it reads", async () => {
  const { result } = await expectCode(0, linear(...short, "--cached", "--json", "--out", "probe"), { cwd });
  assert.equal(readdirSync(join(cwd, "probe")).sort(), ["classifier.safetensors", "probe.safetensors", "result.json"]);
  const { event: _, ...fields } = result;
  assert.equal(JSON.parse(readFileSync(join(cwd, "probe", "result.json"), "utf8")), fields);
  const path = join(cwd, "probe", "classifier.safetensors");
  const { tensors, metadata } = readSafetensors(readFileSync(path), path);
  const { layers, pooled } = result.classifier as Score;
  const about = JSON.parse(metadata.get("poa.classifier")!);
  assert.equal(about, { positions: [0, 1].slice(-layers), pooled, classes: ["left", "right"] });
  assert.equal(tensors.get("weight")!.shape, [2, 16 * (layers + (pooled ? 1 : 0))]);
});

test("a finished probe is judged again, on other test images too", async () => {
  const args = linear(...short, "--cached", "--json", "--out", "again");
  const first = await expectCode(0, args, { cwd });
  const second = await expectCode(0, args, { cwd });
  assert.equal(second.events.length, 1, "no step is left");
  assert.equal(second.result, first.result);
  const { result } = await expectCode(0, [...args, "--test", "images"], { cwd });
  assert.equal(result.images, { ...(first.result.images as object), test: 16 });
});

test("a folder with another probe or other files is refused, a damaged state is noticed; --overwrite begins anew", async () => {
  await expectCode(0, linear(...short, "--cached", "--out", "taken"), { cwd });
  const other = linear(...short, "--cached", "--seed", "1", "--net", "8x1", "--out", "taken");
  const { stderr } = await expectCode(2, other, { cwd });
  assert.match(stderr, /network 16x2, now 8x1; weights .*; images .*; seed 0, now 1\. Name another folder/);
  await expectCode(0, [...other, "--overwrite"], { cwd });
  await expectCode(0, other, { cwd });
  mkdirSync(join(cwd, "filled"));
  copyFileSync(join(cwd, "tiny.yaml"), join(cwd, "filled", "notes.yaml"));
  assert.match((await expectCode(2, linear("--out", "filled"), { cwd })).stderr, /holds no linear probe/);
  assert.match((await expectCode(2, linear("--out", "tiny.yaml"), { cwd })).stderr, /is a file/);
  const state = readFileSync(join(cwd, "taken", "probe.safetensors"));
  state[state.length - 1] ^= 1;
  writeFileSync(join(cwd, "taken", "probe.safetensors"), state);
  assert.match((await expectCode(3, other, { cwd })).stderr, /is damaged/);
});

test("a folder in which another call works is refused, also with --overwrite; a lock that was left is replaced", async () => {
  const running = startPoa(linear(...long, "--out", "busy"), { cwd });
  await running.said(/"iteration":2,/);
  for (const more of [[], ["--overwrite"]]) {
    const { stderr } = await expectCode(2, linear(...long, "--out", "busy", ...more), { cwd });
    assert.match(stderr, /busy is in use by process \d+/);
  }
  running.child.kill("SIGKILL");
  await running.done;
  assert.ok(readdirSync(join(cwd, "busy")).includes("lock"));
  await expectCode(0, linear(...long, "--out", "busy"), { cwd });
  assert.not.ok(readdirSync(join(cwd, "busy")).includes("lock"));
});

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, ["--select", "train"], /--select is "train", expected val or test/],
    [2, ["--val-share", "1"], /--val-share is "1"/],
    [2, ["--val", "images", "--select", "test"], /--val names images to choose on/],
    [2, ["--epochs", "2", "--iterations", "3"], /exclude each other/],
    [2, ["--epochs", "0"], /--epochs is "0"/],
    [2, ["--learning-rates", "0.1,0"], /--learning-rates is "0.1,0"/],
    [2, ["--net", "9x9"], /Nearest:/],
    [3, ["--val", "split/train/left"], /the classes of --val split\/train\/left are not those/],
    [3, ["--test", "missing"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, linear(...args), { cwd })).stderr, message);
  }
});

test("a broken training image is replaced with a warning, or ends it with --strict", async () => {
  imagesIn(join(cwd, "damaged", "train"), 4);
  imagesIn(join(cwd, "damaged", "test"), 2);
  writeFileSync(join(cwd, "damaged", "train", "left", "bad.png"), "broken");
  for (const cached of [[], ["--cached"]]) {
    const args = ["eval", "linear", "run", "--data", "damaged", "--select", "test", "--iterations", "4", ...cached];
    const sized = [...args, "--batch-size", "4"];
    assert.is((await expectCode(0, sized, { cwd })).stderr.match(/^warning: /gm)?.length, 1);
    await expectCode(3, [...sized, "--strict"], { cwd });
  }
});
