import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, imagesIn, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);
await expectCode(0, tinyPretrain, { cwd });

const quick = ["--data", "split", "--epochs", "3", "--batch", "4"];
const tune = (out: string, ...args: string[]) => ["finetune", "run", ...quick, "--out", out, ...args];
const first = await expectCode(0, tune("tuned", "--ema", "0.7", "--net", "8x1", "--json"), { cwd });

test("the result holds accuracies with their intervals, of the weights and of their moving average", () => {
  const { result } = first;
  assert.equal([result.event, result.out, result.network, result.iterations], ["result", "tuned", "8x1", 12]);
  assert.equal([result.images, result.testImages, result.epochs], [16, 10, 3]);
  for (const figures of [result, result.ema]) {
    const { top1, interval } = figures as { top1: number; interval: { low: number; high: number } };
    assert.ok(0 <= interval.low && interval.low <= top1 && top1 <= interval.high && interval.high <= 1);
  }
});

test("events tell of steps and epochs, and metrics keep them", () => {
  const of = (kind: string) => first.events.filter(({ event }) => event === kind);
  assert.equal([of("step").length, of("epoch").length], [12, 3]);
  assert.equal(Object.keys(of("epoch")[0]), ["event", "epochs", "top1", "ema_top1"]);
  const lines = readFileSync(join(cwd, "tuned", "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  assert.is(lines.length, 15);
  const { settings, classes } = JSON.parse(readFileSync(join(cwd, "tuned", "finetune.json"), "utf8"));
  assert.equal([settings.epochs, settings.ema, classes], [3, 0.7, ["left", "right"]]);
});

test("the folder and its file are models for other verbs", async () => {
  for (const model of ["tuned", "tuned/model.safetensors", "tuned/model-ema.safetensors"]) {
    const { result } = await expectCode(0, ["eval", "knn", model, "--data", "split", "--k", "1", "--json"], { cwd });
    assert.is(result.network, "8x1");
  }
  await expectCode(0, ["embed", "tuned", "--data", "split", "--out", "features.npy"], { cwd });
  const again = ["finetune", "tuned", ...quick, "--out", "twice", "--epochs", "1"];
  await expectCode(0, again, { cwd });
});

test("a finished run that is resumed tells its result again and changes nothing", async () => {
  const before = readdirSync(join(cwd, "tuned"), { recursive: true }).sort();
  const { result, stderr } = await expectCode(0, tune("tuned", "--ema", "0.7", "--net", "8x1", "--resume", "--json"), {
    cwd,
  });
  assert.equal(result, first.result);
  assert.match(stderr, /is finished/);
  assert.equal(readdirSync(join(cwd, "tuned"), { recursive: true }).sort(), before);
});

test("a run that is interrupted or killed and resumed ends with the same bytes and the same figures", async () => {
  const long = ["--epochs", "10", "--mixup", "0.8", "--randaugment", "m9-mstd0.5-inc1", "--drop-path", "0.2"];
  const whole = await expectCode(0, tune("whole", ...long, "--json"), { cwd });
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const running = startPoa(tune(signal, ...long, "--json"), { cwd });
    await running.said(/"iteration":14,/);
    running.child.kill(signal);
    const { code, stderr } = await running.done;
    assert.is(code, signal === "SIGINT" ? 130 : null);
    if (signal === "SIGINT") assert.match(stderr, /the same call with --resume continues/);
    const { result } = await expectCode(0, tune(signal, ...long, "--resume", "--json"), { cwd });
    assert.is(result.top1, whole.result.top1);
    for (const file of ["model.safetensors", "metrics.jsonl"])
      assert.ok(
        readFileSync(join(cwd, signal, file)).equals(readFileSync(join(cwd, "whole", file))),
        `${signal} ${file}`,
      );
  }
});

test("another build of the kernels than the run began with is told", async () => {
  cpSync(join(cwd, "whole"), join(cwd, "relaxed"), { recursive: true });
  rmSync(join(cwd, "relaxed", "result.json"));
  const path = join(cwd, "relaxed", "finetune.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"simd": "plain"', '"simd": "relaxed"'));
  const long = ["--epochs", "10", "--mixup", "0.8", "--randaugment", "m9-mstd0.5-inc1", "--drop-path", "0.2"];
  const { stderr } = await expectCode(0, tune("relaxed", ...long, "--resume"), { cwd });
  assert.match(stderr, /began with --simd relaxed and continues with --simd plain/);
});

test("few labels, images held out, another head and the published settings are taken", async () => {
  const { result } = await expectCode(
    0,
    tune("few", "--share", "0.25", "--val", "0.25", "--head", "projection", "--json"),
    { cwd },
  );
  assert.equal([result.images, result.iterations], [2, 3], "2 of 8 images of each class, one of them held out");
  const { settings } = JSON.parse(readFileSync(join(cwd, "few", "finetune.json"), "utf8"));
  assert.equal([settings.hidden, settings.batch], [16, 2], "the hidden layer is that of the run's head");
  const file = ["finetune", "tuned", ...quick, "--out", "wide", "--epochs", "1", "--head", "projection"];
  await expectCode(0, file, { cwd });
  assert.is(JSON.parse(readFileSync(join(cwd, "wide", "finetune.json"), "utf8")).settings.hidden, 2048);
  await expectCode(0, tune("vit", "--recipe", "vit_s", "--published", "--val", "none", "--epochs", "1"), { cwd });
  const published = JSON.parse(readFileSync(join(cwd, "vit", "finetune.json"), "utf8")).settings;
  assert.equal([published.dropPath, published.scheduleEpochs, published.layerDecay], [0, 200, 0.55]);
  assert.not.match(readFileSync(join(cwd, "vit", "metrics.jsonl"), "utf8"), /top1/);
  await expectCode(0, tune("val", "--val", "split#test@0..4", "--epochs", "1"), { cwd });
});

test("for people there are a progress line, a line per epoch and the figures", async () => {
  const { stdout, stderr } = await expectCode(0, tune("people", "--seed", "4"), { cwd });
  assert.match(stdout, /^network 16x2, 3 epochs of 16 images\ntop-1 on 10 test images: [01]\.\d{4} \(95 %: /);
  assert.match(stdout, /people\/model\.safetensors\n$/);
  assert.match(stderr, /\[12\/12\] eta 0:00 {2}loss/);
  assert.match(stderr, /^epoch 3: top1 [01]\.\d{4}$/m);
});

test("what is wrong has its message and exit code, and leaves no folder behind", async () => {
  for (const [code, args, message] of [
    [2, ["--recipe", "vit_x"], /no recipe "vit_x"/],
    [2, ["--lr", "fast"], /--lr is "fast", expected a number/],
    [2, ["--smoothing", "2"], /smoothing is 2; expected 0 to 1/],
    [2, ["--randaugment", "x"], /RandAugment/],
    [2, ["--head", "wide"], /--head is "wide"/],
    [2, ["--share", "2"], /--share is 2/],
    [2, ["--net", "9x9"], /Nearest:/],
    [2, ["--resume", "--overwrite"], /exclude each other/],
    [3, ["--resume"], /holds no fine-tuning to resume/],
    [3, ["--data", "images"], /no test split/],
    [3, ["--data", "missing"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, tune("wrong", ...args), { cwd })).stderr, message);
    assert.not.ok(existsSync(join(cwd, "wrong")));
  }
  assert.match((await expectCode(2, tune("tuned"), { cwd })).stderr, /is not empty.*--resume/);
  const other = await expectCode(2, tune("tuned", "--ema", "0.9", "--resume", "--net", "8x1"), { cwd });
  assert.match(other.stderr, /begun with other ema/);
  assert.match((await expectCode(2, ["resume", "tuned"], { cwd })).stderr, /holds a fine-tuning/);
  assert.match((await expectCode(3, ["finetune", "nothing", ...quick, "--out", "x"], { cwd })).stderr, /is not there/);
});

test("a fine-tuning without its end is no model yet", async () => {
  cpSync(join(cwd, "tuned"), join(cwd, "half"), { recursive: true });
  rmSync(join(cwd, "half", "model.safetensors"));
  const { stderr } = await expectCode(3, ["eval", "knn", "half", "--data", "split", "--k", "1"], { cwd });
  assert.match(stderr, /fine-tuning without its result/);
});

test("a broken image is told once, or ends it with --strict", async () => {
  const folder = tempFolder();
  imagesIn(join(folder, "train"), 4);
  imagesIn(join(folder, "test"), 2);
  writeFileSync(join(folder, "test", "right", "bad.png"), "broken");
  const args = (out: string) => [
    "finetune",
    "run",
    "--data",
    folder,
    "--epochs",
    "2",
    "--batch",
    "4",
    "--out",
    out,
    "--json",
  ];
  const { result, stderr } = await expectCode(0, args("broken"), { cwd });
  assert.is(result.testImages, 4);
  assert.is(stderr.match(/^warning: /gm)?.length, 1);
  await expectCode(3, [...args("strict"), "--strict"], { cwd });
});
