import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import * as assert from "uvu/assert";
import type { Costs } from "../../src/runtime/profile.js";
import { cifarFile } from "../support/cifar-files.js";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { runConfigYaml } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();

/** Files below a folder with their contents. */
function treeOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), readFileSync(path).toString("latin1")];
    }),
  );
}

const checkpointsIn = (run: string) => treeOf(join(cwd, run, "checkpoints"));
const out = (name: string) => [...tinyPretrain.slice(0, -1), name];

test("a run ends with its result and leaves config, info, metrics and checkpoints, but no lock", async () => {
  const { result, events, stderr } = await expectExit(0, [...out("whole"), "--json", "--threads", "2"], { cwd });
  const { event, out: folder, iterations, imagesSeen, imagesPerSecond, dataWaitShare, peakRssBytes, loss } = result;
  assert.equal([event, folder, iterations, imagesSeen], ["result", "whole", 8, 32]);
  assert.ok((imagesPerSecond as number) > 0 && (dataWaitShare as number) >= 0 && (dataWaitShare as number) <= 1);
  assert.ok((peakRssBytes as number) > 2 ** 24 && Number.isFinite(loss));
  assert.equal(
    events.map((line) => line.event),
    ["estimate", ...new Array(8).fill("step"), "result"],
  );
  const [estimate] = events;
  assert.ok(estimate.fits && estimate.iterations === 8 && (estimate.seconds as number) > 0);
  assert.match(
    stderr,
    /^memory: state \d+ MiB, activations \d+ MiB, linear memory \d+ MiB of 4\.0 GiB, process \d+ MiB$/m,
  );
  assert.match(stderr, /^\[8\/8\] eta 0:00 {2}loss \d.* lr \d.* images\/s {2}data wait \d+% {2}\d+ MiB$/m);
  assert.equal(readdirSync(join(cwd, "whole")).sort(), [
    "checkpoints",
    "config.yaml",
    "metrics.jsonl",
    "run.json",
    "timing.jsonl",
  ]);
  assert.equal(readdirSync(join(cwd, "whole", "checkpoints")), ["000000000", "000000006", "000000008"]);
  assert.is(
    readFileSync(join(cwd, "whole", "metrics.jsonl"), "utf8")
      .trimEnd()
      .split("\n").length,
    8,
  );
  const info = JSON.parse(readFileSync(join(cwd, "whole", "run.json"), "utf8"));
  assert.equal([info.images, info.seed, info.init], [16, 0, null]);
  assert.ok(info.data.startsWith("folder:") && isAbsolute(info.data.slice(7)) && info.data.endsWith("images"));
  assert.is(info.host.simd, "plain");
  assert.ok(info.version && info.host.node && /^[0-9a-f]{16}$/.test(info.dataFingerprint));
});

test("the same seed gives the same bytes, from the written config and other copies of the images too; another does not", async () => {
  const elsewhere = tempFolder();
  cpSync(join(cwd, "images"), join(elsewhere, "photos"), { recursive: true });
  const config = join(cwd, "whole", "config.yaml");
  const quiet = await expectExit(0, ["pretrain", "--config", config, "--data", "photos", "--out", "again", "--quiet"], {
    cwd: elsewhere,
  });
  assert.is(quiet.stderr, "");
  assert.equal(treeOf(join(elsewhere, "again", "checkpoints")), checkpointsIn("whole"));
  await expectExit(0, [...out("seeded"), "--seed", "3"], { cwd });
  assert.not.equal(checkpointsIn("seeded"), checkpointsIn("whole"));
  assert.is(JSON.parse(readFileSync(join(cwd, "seeded", "run.json"), "utf8")).seed, 3);
  assert.match(readFileSync(join(cwd, "seeded", "config.yaml"), "utf8"), /^ {2}seed: 3$/m);
});

test("a preset trains on CIFAR files, of which those that are there are read", async () => {
  const cifar = tempFolder({ "data_batch_2.bin": cifarFile(Array.from({ length: 12 }, (_, i) => [i % 10])) });
  const args = ["pretrain", "--config", "cifar-tiny", "--data", `cifar10:${cifar}`, "--out", "cifar", "--json"];
  const small = [
    "train.batch_size_per_gpu=4",
    "optim.epochs=0.34",
    "optim.warmup_epochs=0",
    "student.max_embed_dim=48",
  ];
  const heads = ["dino.head_n_prototypes=[16]", "dino.head_hidden_dim=16", "dino.head_bottleneck_dim=8"];
  const { result } = await expectCode(0, [...args, ...small, ...heads], { cwd });
  assert.equal([result.iterations, result.imagesSeen], [1, 4]);
});

test("initial weights change the start, and a file that does not fit is refused without a trace", async () => {
  const teacher = join("whole", "checkpoints", "000000008", "teacher.safetensors");
  await expectCode(0, [...out("warm"), "--init", teacher], { cwd });
  const start = join(cwd, "warm", "checkpoints", "000000000");
  assert.ok(JSON.parse(readFileSync(join(cwd, "warm", "run.json"), "utf8")).init.endsWith(teacher));
  assert.not.equal(treeOf(start), treeOf(join(cwd, "whole", "checkpoints", "000000000")));
  const other = await expectCode(2, [...out("cold"), "--init", teacher, "student.max_depth=3"], { cwd });
  assert.match(
    other.stderr,
    /^error: the file of initial weights does not fit the config\. .*missing backbone\.blocks\.2/,
  );
  const missing = await expectCode(3, [...out("cold"), "--init", "nothing"], { cwd });
  assert.match(missing.stderr, /^error: --init nothing cannot be read/);
  assert.not.ok(existsSync(join(cwd, "cold")));
});

test("a dry run tells what the run would need, with or without images, and makes nothing", async () => {
  const args = ["pretrain", "--config", "vit_ee1200", "--dry-run"];
  const { result } = await expectCode(0, [...args, "--data", "images", "--json", "train.batch_size_per_gpu=4"], {
    cwd,
  });
  assert.equal([result.networks, result.imagesPerStep, result.iterations], [143, 4, 346 * 800]);
  assert.ok((result.stateBytes as number) > 5e9 && (result.activationBytes as number) > 1e9);
  assert.ok((result.peakRssBytes as number) > (result.stateBytes as number) + (result.activationBytes as number));
  const [step, whole] = [result.secondsPerStep as number, result.seconds as number];
  assert.ok(step > 0 && Math.abs(whole / (step * 346 * 800) - 1) < 1e-9);
  assert.ok(Math.abs((result.hoursPerMillionImages as number) / ((step * 1e6) / 4 / 3600) - 1) < 1e-9);
  assert.equal([result.fits, result.wayOut], [false, null]);
  const { stdout } = await expectCode(0, args, { cwd });
  assert.match(stdout, /^143 networks: 303 M parameters, 58\.9 M in heads; multiply-adds per image 61\.6 G forward, /m);
  assert.match(stdout, /^memory: state 6\.8 GiB, activations \d+\.\d GiB, linear memory /m);
  assert.match(stdout, / h per million images, \d+ days for 276800 steps$/m);
  assert.match(stdout, /^does not fit\. .* lower student\.max_embed_dim, student\.max_depth or /m);
});

test("a run that does not fit ends with 5 and names the first settings that would, with which it is estimated to fit", async () => {
  const large = ["--config", "vit-small", "train.batch_size_per_gpu=32"];
  const refused = await expectCode(
    5,
    ["pretrain", ...large, "--data", "images", "--out", "large", "--json", "train.OFFICIAL_EPOCH_LENGTH=1"],
    { cwd },
  );
  assert.match(
    refused.stderr,
    /^error: pretrain: the run needs \d\.\d GiB of linear memory \(state \d+ MiB, activations \d\.\d GiB\), of which there are 4\.0 GiB\./,
  );
  const settings = /It fits with (.*)\.$/m.exec(refused.stderr)![1].split(" ");
  assert.equal(settings, ["train.recompute=true"]);
  assert.not.ok(existsSync(join(cwd, "large")));
  const { result } = await expectCode(0, ["pretrain", ...large, "--dry-run", "--json", ...settings], { cwd });
  assert.is(result.fits, true);
});

test("a run whose host gives no more memory ends with 5, after the estimate, and says what is held", async () => {
  const args = ["pretrain", "--config", "cifar-tiny", "--data", "images", "--out", "cramped"];
  const execArgv = ["--wasm-max-mem-pages=600"]; // of 64 KiB
  const { stderr } = await expectExit(5, [...args, "train.batch_size_per_gpu=16"], { cwd, execArgv });
  assert.match(stderr, /^memory: state \d+ MiB, activations \d+ MiB, linear memory \d+ MiB of 4\.0 GiB/m);
  assert.match(
    stderr,
    /^error: memory: \d+ MiB are needed, 4096 MiB are allowed and 3\d MiB are held\. Lower .*: the host gives no more\.$/m,
  );
});

test("a profile lists what each phase and kernel has cost, and changes no bit", async () => {
  const { result } = await expectCode(0, [...out("profiled"), "--profile", "--json"], { cwd });
  const { phases, kernels, kernelShare, trace } = result.profile as Costs & { trace: string };
  assert.equal(
    phases.map(({ name, calls }) => [name, calls]),
    [
      ["data", 16], // waiting for the images, and their crops
      ["teacher", 8],
      ["intact", 8],
      ["objective", 32], // of two students, for global and for local crops
      ["backward", 32],
      ...["elastic", "clip", "update", "other"].map((name) => [name, 8]),
    ],
  );
  assert.ok(kernels.some(({ name }) => name.startsWith("adamw")));
  assert.ok(
    kernels.every(({ calls, elapsedMs }, i) => calls > 0 && elapsedMs <= (kernels[i - 1]?.elapsedMs ?? Infinity)),
  );
  assert.ok(kernelShare > 0 && kernelShare < 1);
  assert.is(trace, join("profiled", "profile.json"));
  const { traceEvents } = JSON.parse(readFileSync(join(cwd, trace), "utf8"));
  const steps = traceEvents.filter(({ name }: { name: string }) => name === "step");
  assert.is(steps.length, 8);
  assert.equal(checkpointsIn("profiled"), checkpointsIn("whole"));
});

test("a profile is a table for people, and goes with its run when that is replaced", async () => {
  const { stdout } = await expectCode(0, [...out("table"), "--profile"], { cwd });
  assert.match(stdout, /^phase +calls +ms +share +in kernels$/m);
  assert.match(stdout, /^kernel +calls +ms +share$/m);
  assert.match(stdout, /^\d+\.\d% of \d+\.\d ms inside kernels$/m);
  assert.ok(existsSync(join(cwd, "table", "profile.json")));
  await expectCode(0, [...out("table"), "--overwrite"], { cwd });
  assert.not.ok(existsSync(join(cwd, "table", "profile.json")));
});

test("data that is not there, has no image, or has none that can be read, ends with 3 and one clear message", async () => {
  const folder = tempFolder({ "notes/a.txt": "hello", "bad/a.png": "no image", "bad/b.jpg": "neither" });
  mkdirSync(join(folder, "empty"));
  for (const [data, message] of [
    ["missing", /missing does not exist/],
    ["empty", /no images in .*it is empty\. Looked for \.jpg/],
    ["notes", /no images in .*its files are 1 \.txt/],
    ["bad", /none of the 2 images/],
    ["cifar10:empty", /has no data_batch_1\.bin/],
    ["folder:images@0..99", /16 images, so @0\.\.99 ends outside/],
    ["folder:images@0..3", /3 images .*batch of 4/],
  ] as const) {
    const relative = data === "bad" ? ["train.batch_size_per_gpu=2"] : [];
    const spec = /images/.test(data) ? data : data.replace(/(\w+)$/, join(folder, "$1"));
    const args = ["pretrain", "--config", "tiny.yaml", "--data", spec, "--out", "none", ...relative];
    const { stderr, stdout } = await expectExit(3, args, { cwd });
    assert.match(stderr, message);
    assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.is(stdout, "");
    if (data !== "bad") assert.not.ok(existsSync(join(cwd, "none")), data);
    rmSync(join(cwd, "none"), { recursive: true, force: true });
  }
});

test("wrong use of the data spec ends with 2", async () => {
  for (const data of ["images#tset", "tfrecord:images", "images@3..1"]) {
    const args = ["pretrain", "--config", "tiny.yaml", "--data", data, "--out", "none"];
    assert.match((await expectCode(2, args, { cwd })).stderr, /^error: data spec/);
  }
  assert.match((await expectCode(2, ["pretrain", "--config", "tiny.yaml"], { cwd })).stderr, /--data SPEC is missing/);
});

test("a broken image is left out with one warning; with --strict the run ends with 3 at it", async () => {
  const folder = join(tempFolder(), "images");
  imagesIn(folder, 8);
  writeFileSync(join(folder, "left", "004.png"), "broken");
  const args = ["pretrain", "--config", "tiny.yaml", "--data", folder, "--json"];
  const { result, stderr, events } = await expectExit(0, [...args, "--out", "broken"], { cwd });
  assert.is(stderr.match(/^warning: /gm)?.length, 1, stderr);
  assert.match(stderr, /004\.png.* Left out\.$/m);
  assert.is(events.filter(({ event }) => event === "warning").length, 1);
  assert.equal([result.iterations, result.broken], [8, 1]);
  const strict = await expectExit(3, [...args, "--out", "strict", "--strict"], { cwd });
  assert.match(strict.stderr, /^error: .*004\.png/m);
});

test("a wrong config ends with 2 and all its problems, each with file, line and column", async () => {
  writeFileSync(join(cwd, "wrong.yaml"), "train:\n  batch_size_per_gpu: many\n  sede: 1\noptim: {lr: -1}\n");
  const args = ["pretrain", "--config", "wrong.yaml", "--data", "images", "--out", "none", "optim.epoch=3"];
  const { stderr } = await expectCode(2, args, { cwd });
  for (const place of ["wrong.yaml:2:23: ", "wrong.yaml:3:3: ", "wrong.yaml:4:13: ", "command line: "])
    assert.ok(stderr.includes(place), `${place} in ${stderr}`);
  assert.match(stderr, /Did you mean train\.seed\?/);
  assert.match(stderr, /Did you mean optim\.epochs\?/);
  const preset = await expectCode(2, ["pretrain", "--config", "cifar-tny", "--data", "images", "--out", "none"], {
    cwd,
  });
  assert.match(preset.stderr, /Did you mean cifar-tiny\?/);
  const warmup = await expectCode(2, [...out("none"), "optim.warmup_epochs=9"], { cwd });
  assert.match(warmup.stderr, /warm/);
  assert.not.ok(existsSync(join(cwd, "none")));
});

test("a batch of one with the KoLeo loss ends with 2 and says what it lacks", async () => {
  const { stderr } = await expectCode(2, [...out("none"), "train.batch_size_per_gpu=1", "train.accumulate=4"], { cwd });
  assert.match(
    stderr,
    /train\.batch_size_per_gpu 1: the KoLeo loss needs a neighbour, so at least 2; or set dino\.koleo_loss/,
  );
  assert.not.ok(existsSync(join(cwd, "none")));
  await expectCode(0, [...out("single"), "train.batch_size_per_gpu=1", "dino.koleo_loss_weight=0", "--dry-run"], {
    cwd,
  });
});

test("what a hostile or mistaken config file tries ends with 2, at its line and column", async () => {
  const bomb = [
    "k0: &a0 x",
    ...Array.from({ length: 30 }, (_, i) => `k${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}1]`),
  ];
  const attacks: Readonly<Record<string, readonly [string, RegExp]>> = {
    "an alias bomb": [bomb.join("\n"), /:2:10: alias \*a0: a config has no aliases; write the value out\./],
    "a key twice": ["optim:\n  lr: 1\n  lr: 2\n", /:3:3: this key stands twice in its section\./],
    "a tab": ["optim:\n\tlr: 1\n", /:2:1: .*[Tt]ab/],
    "a prototype": ["__proto__:\n  polluted: 1\n", /:1:1: __proto__ is not a setting\./],
    "a prototype below": [
      "optim: {constructor: 1, __proto__: {lr: 1}}\n",
      /:1:25: optim\.__proto__ is not a setting\./,
    ],
    "an unknown key": ["optim:\n  epoch: 3\n", /:2:3: optim\.epoch is not a setting\. Did you mean optim\.epochs\?/],
    "a wrong type": ["train:\n  tensorboard: on\n", /:2:16: .*expected true or false, got the string "on"/],
    "a quoted number": ['optim:\n  lr: "1e-3"\n', /:2:7: .*got the string "1e-3"; write it without quotes\./],
    "a negative rate": ["optim:\n  lr: -1\n", /:2:7: optim\.lr: expected a number .*, got -1\./],
    "no number": ["optim:\n  lr: .nan\n", /:2:7: optim\.lr: expected a number .*, got NaN\./],
    "an object tag": ["optim: !!python/object:os.system {}\n", /:1:8: .*tag/],
  };
  for (const [name, [text, message]] of Object.entries(attacks)) {
    writeFileSync(join(cwd, "attack.yaml"), text);
    const args = ["pretrain", "--config", "attack.yaml", "--data", "images", "--out", "none"];
    const { stderr } = await expectCode(2, args, { cwd });
    assert.match(stderr.replaceAll("attack.yaml", ""), message, name);
  }
  assert.not("polluted" in {});
  assert.not.ok(existsSync(join(cwd, "none")));
});

test("an output folder that is not empty, no folder, or held by another process, is refused and stays as it is", async () => {
  const folder = tempFolder({ "full/notes.txt": "mine", file: "" });
  const refusal = async (path: string, ...more: string[]) =>
    (await expectCode(2, [...out(join(folder, path)), ...more], { cwd })).stderr;
  assert.match(await refusal("full"), /is not empty\. Name another folder, continue with `poa resume`/);
  assert.match(await refusal("file"), /is a file/);
  assert.match(await refusal("file/below"), /cannot be made/);
  const holder = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  try {
    writeFileSync(join(folder, "full", "lock"), JSON.stringify({ pid: holder.pid, host: hostname() }));
    assert.match(await refusal("full", "--overwrite"), new RegExp(`in use by process ${holder.pid}`));
  } finally {
    holder.kill();
  }
  assert.equal(readdirSync(folder), ["file", "full"]);
  assert.equal(readdirSync(join(folder, "full")).sort(), ["lock", "notes.txt"]);
});

test("with --overwrite a run takes the place of the one before, but not before it can begin", async () => {
  const folder = tempFolder();
  const path = join(folder, "run");
  cpSync(join(cwd, "whole"), path, { recursive: true });
  writeFileSync(join(path, "report.html"), "mine");
  const args = [...out(path), "--overwrite", "optim.epochs=0.25", "optim.warmup_epochs=0"];
  const before = treeOf(path);
  await expectCode(2, [...args, "optim.warmup_epochs=5"], { cwd });
  await expectCode(3, [...args, "--init", "nothing"], { cwd });
  assert.equal(treeOf(path), before);
  await expectCode(0, args, { cwd });
  assert.equal(readdirSync(join(path, "checkpoints")), ["000000000", "000000001"]);
  assert.is(readFileSync(join(path, "metrics.jsonl"), "utf8").trimEnd().split("\n").length, 1);
  assert.is(readFileSync(join(path, "report.html"), "utf8"), "mine");
});

test("a loss that is never finite ends with 4 and the last good checkpoint", async () => {
  const path = join(tempFolder({ "tiny.yaml": runConfigYaml() }), "run");
  const wild = [
    "optim.lr=1e30",
    "optim.warmup_epochs=0",
    "train.max_bad_steps=2",
    "optim.epochs=10",
    "optim.clip_grad=0",
  ];
  const { stderr } = await expectCode(4, [...out(path), ...wild], { cwd });
  assert.match(
    stderr,
    /^error: (step \d+: 2 steps in a row were not finite\. The last good checkpoint is|checkpoint: .* not finite)/m,
  );
  assert.ok(readdirSync(join(path, "checkpoints")).includes("000000000"));
  assert.not.ok(existsSync(join(path, "lock")));
});

test("a run or a checkpoint can be named for initial weights", async () => {
  const short = ["optim.epochs=0.25", "optim.warmup_epochs=0"];
  const teacher = join("whole", "checkpoints", "000000008", "teacher.safetensors");
  const bytesOf = (name: string) => readFileSync(join(cwd, name, "checkpoints", "000000001", "student.safetensors"));
  for (const [name, init] of [
    ["from-file", teacher],
    ["from-checkpoint", dirname(teacher)],
    ["from-run", "whole"],
  ]) {
    await expectCode(0, [...out(name), "--init", init, ...short], { cwd });
    assert.ok(JSON.parse(readFileSync(join(cwd, name, "run.json"), "utf8")).init.endsWith(teacher));
    assert.equal(bytesOf(name), bytesOf("from-file"));
  }
  const { stderr } = await expectCode(3, [...out("cold"), "--init", "images", ...short], { cwd });
  assert.match(stderr, /^error: --init images holds no checkpoint/m);
});

test("images kept on disk change no bit, are shared by runs that name a folder, and leave a run that is done", async () => {
  const shared = join(cwd, "shared");
  const disk = ["train.cache=disk", "train.cache_gib=0.001"];
  await expectCode(0, [...out("own-cache"), ...disk], { cwd });
  assert.equal(checkpointsIn("own-cache"), checkpointsIn("whole"));
  assert.not.ok(existsSync(join(cwd, "own-cache", "cache")));
  for (const name of ["filling", "filled"]) {
    const { stderr } = await expectCode(0, [...out(name), ...disk, "train.cache_dir=shared"], { cwd });
    assert.is(stderr.match(/^warning: .*/m), null, stderr);
    assert.equal(checkpointsIn(name), checkpointsIn("whole"));
  }
  const [data] = readdirSync(shared);
  assert.equal(readdirSync(join(shared, data)).sort(), ["images", "index"]);
  const config = readFileSync(join(cwd, "filled", "config.yaml"), "utf8");
  assert.ok(config.includes(`cache_dir: ${JSON.stringify(shared)}`));
});

test("a run whose checkpoints do not fit on the disk ends with 5 before it makes anything", async () => {
  const many = ["train.keep_last=2000000000", "train.checkpoint_every_minutes=1"];
  const { stderr } = await expectCode(5, [...out("large"), ...many], { cwd });
  assert.match(stderr, /^error: room for 2000000002 checkpoints .* needs \d+ MiB in .*, \d+ MiB are free/m);
  assert.not.ok(existsSync(join(cwd, "large")));
});
