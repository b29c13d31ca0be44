import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Costs } from "../../src/runtime/profile.js";
import { expectCode, expectExit, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { runConfigYaml } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** Long enough to be stopped on the way; checkpoints every 7 steps. */
const LAST = 40;
const settings = ["optim.epochs=10", "train.checkpoint_every_steps=7"];

const cwd = workshop();
await expectCode(0, [...tinyPretrain, ...settings], { cwd });

const parts = ["student", "teacher", "optimizer"].map((part) => `${part}.safetensors`);
const stepsIn = (run: string) => readdirSync(join(cwd, run, "checkpoints")).map(Number);
const lastBytes = (run: string) =>
  parts.map((part) => readFileSync(join(cwd, run, "checkpoints", String(LAST).padStart(9, "0"), part)).toString("hex"));
const metrics = (run: string) => readFileSync(join(cwd, run, "metrics.jsonl"), "utf8");

/** The same last checkpoint and the same metrics as the run that was not interrupted, to the byte. */
function assertSameEnd(run: string): void {
  assert.ok(lastBytes(run).join() === lastBytes("run").join(), `${run}: the last checkpoint differs`);
  assert.ok(metrics(run) === metrics("run"), `${run}: the metrics differ`);
  assert.not.ok(readdirSync(join(cwd, run)).includes("lock"));
}

/** Starts a run and sends a signal once it has done so many steps. */
async function interrupted(run: string, signal: NodeJS.Signals, steps: number) {
  const running = startPoa([...tinyPretrain.slice(0, -1), run, ...settings, "--json"], { cwd });
  await running.said(new RegExp(`"iteration":${steps - 1},`));
  running.child.kill(signal);
  running.child.kill(signal); // as npm passes on what the terminal has sent already
  return running.done;
}

/** A copy of the finished run without the checkpoints after a step, as if it had been killed after it. */
function cutAfter(run: string, step: number): string {
  cpSync(join(cwd, "run"), join(cwd, run), { recursive: true });
  const folder = join(cwd, run, "checkpoints");
  for (const name of readdirSync(folder)) if (Number(name) > step) rmSync(join(folder, name), { recursive: true });
  return run;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} saves, ends with 130, and the run that is resumed ends with the same bytes`, async () => {
    const { code, result, stderr } = await interrupted(signal, signal, 10);
    assert.is(code, 130);
    assert.is(result.event, "result");
    const done = result.iterations as number;
    assert.ok(done >= 10 && done < LAST, `${done} steps done`);
    assert.is(stepsIn(signal).at(-1), done);
    assert.match(stderr, new RegExp(`interrupted; \`poa resume ${signal}\` continues`));
    assert.not.ok(readdirSync(join(cwd, signal)).includes("lock"));
    const resumed = await expectExit(0, ["resume", signal, "--json"], { cwd });
    assert.is(resumed.events[1].iteration, done);
    assert.is(resumed.result.iterations, LAST);
    assertSameEnd(signal);
  });
}

test("a run that is killed leaves a lock, and the one that is resumed ends with the same bytes", async () => {
  const { signal } = await interrupted("killed", "SIGKILL", 17);
  assert.is(signal, "SIGKILL");
  assert.ok(readdirSync(join(cwd, "killed")).includes("lock"));
  const { stderr } = await expectExit(0, ["resume", "killed"], { cwd });
  assert.match(stderr, /^continuing at step (14|21|28|35) of 40$/m);
  assertSameEnd("killed");
});

test("resuming a finished run changes nothing", async () => {
  const times = () =>
    readdirSync(join(cwd, "run"), { recursive: true })
      .map(
        (name) =>
          `${name} ${statSync(join(cwd, "run", String(name))).isFile() ? statSync(join(cwd, "run", String(name))).mtimeMs : ""}`,
      )
      .sort();
  const before = times();
  const { result, stderr } = await expectExit(0, ["resume", "run", "--json"], { cwd });
  assert.equal([result.iterations, result.imagesSeen, result.loss], [LAST, LAST * 4, null]);
  assert.match(stderr, /the run is finished/);
  assert.equal(times(), before);
});

test("a run without a complete checkpoint starts from step 0 and ends with the same bytes", async () => {
  cutAfter("fresh", -1);
  mkdirSync(join(cwd, "fresh", "checkpoints", "000000000.partial"));
  writeFileSync(join(cwd, "fresh", "checkpoints", "000000000.partial", "student.safetensors"), "half");
  const { stderr } = await expectCode(0, ["resume", "fresh"], { cwd });
  assert.match(stderr, /continuing at step 0 of 40/);
  assertSameEnd("fresh");
  assert.ok(stepsIn("fresh").includes(0));
});

test("a run without a complete checkpoint starts from its initial weights if it had some", async () => {
  const init = join("run", "checkpoints", String(LAST).padStart(9, "0"), "teacher.safetensors");
  const short = ["optim.epochs=0.5", "optim.warmup_epochs=0"];
  await expectCode(0, [...tinyPretrain.slice(0, -1), "warm", "--init", init, ...short], { cwd });
  const bytes = () =>
    readFileSync(join(cwd, "warm", "checkpoints", "000000002", "student.safetensors")).toString("hex");
  const before = bytes();
  rmSync(join(cwd, "warm", "checkpoints"), { recursive: true });
  await expectCode(0, ["resume", "warm"], { cwd });
  assert.is(bytes(), before);
});

test("a damaged checkpoint is passed over with a warning that names it, and the run ends with the same bytes", async () => {
  const steps = stepsIn(cutAfter("damaged", 35));
  const newest = join("damaged", "checkpoints", String(steps.at(-1)).padStart(9, "0"), "teacher.safetensors");
  const bytes = readFileSync(join(cwd, newest));
  bytes[bytes.length - 20] ^= 1;
  writeFileSync(join(cwd, newest), bytes);
  const { stderr, events } = await expectExit(0, ["resume", "damaged", "--json"], { cwd });
  assert.ok(stderr.includes(`${newest} is damaged`));
  assert.is(events[0].event, "warning");
  assert.is(events[2].iteration, steps.at(-2));
  assertSameEnd("damaged");
});

test("when no checkpoint can be read the run ends with 3, and nothing is lost", async () => {
  cutAfter("ruined", LAST);
  const files = readdirSync(join(cwd, "ruined", "checkpoints")).map((step) =>
    join(cwd, "ruined", "checkpoints", step, parts[0]),
  );
  for (const file of files) writeFileSync(file, "");
  const { stderr } = await expectCode(3, ["resume", "ruined"], { cwd });
  assert.match(stderr, /none of the \d checkpoints in .* can be read/);
  for (const file of files) assert.ok(statSync(file).isFile());
});

test("a checkpoint that does not fit the config ends with 2", async () => {
  cutAfter("edited", LAST);
  const config = join(cwd, "edited", "config.yaml");
  writeFileSync(config, readFileSync(config, "utf8").replace("max_depth: 2", "max_depth: 3"));
  const { stderr } = await expectCode(2, ["resume", "edited"], { cwd });
  assert.match(stderr, /^error: the checkpoint does not fit the config: student\.max_depth was 2 and is 3\. Undo/);
  const yaml = readFileSync(join(cwd, "run", "config.yaml"), "utf8");
  writeFileSync(config, yaml.replace(/head_n_prototypes:\s*\[\s*12,\s*20\s*\]/, "head_n_prototypes: [12, 24]"));
  const heads = await expectCode(2, ["resume", "edited"], { cwd });
  assert.match(heads.stderr, /does not fit the config: dino\.head_n_prototypes was \[12,20\] and is \[12,24\]\. Undo/);
  assert.ok(metrics("edited") === metrics("run") && lastBytes("edited").join() === lastBytes("run").join());
});

test("a run can be resumed from any folder, and from where its images have moved to", async () => {
  cutAfter("moved", 0);
  await expectCode(0, ["resume", join(cwd, "moved")], { cwd: tempFolder() });
  assertSameEnd("moved");
  cutAfter("away", 0);
  const photos = join(tempFolder(), "photos");
  renameSync(join(cwd, "images"), photos);
  try {
    assert.match(
      (await expectCode(3, ["resume", "away"], { cwd })).stderr,
      /images does not exist|images do not exist/,
    );
    await expectCode(0, ["resume", "away", "--data", photos], { cwd });
  } finally {
    renameSync(photos, join(cwd, "images"));
  }
  assertSameEnd("away");
});

test("a run whose images were found in POA_DATA is resumed without it", async () => {
  const other = tempFolder({ "tiny.yaml": runConfigYaml() });
  await expectCode(0, [...tinyPretrain, ...settings], { cwd: other, env: { POA_DATA: cwd } });
  for (const name of readdirSync(join(other, "run", "checkpoints")))
    rmSync(join(other, "run", "checkpoints", name), { recursive: true });
  await expectCode(0, ["resume", join(other, "run")], { cwd: tempFolder() });
  const folder = join(other, "run", "checkpoints", String(LAST).padStart(9, "0"));
  assert.equal(
    parts.map((part) => readFileSync(join(folder, part)).toString("hex")),
    lastBytes("run"),
  );
});

test("images that are others than before are told", async () => {
  cutAfter("changed", 35);
  const { stderr } = await expectCode(0, ["resume", "changed", "--data", "images@0..12"], { cwd });
  assert.match(stderr, /^warning: the images differ from those the run began with \(12 now, 16 then\)/m);
});

test("a run that began with another build of the kernels is told", async () => {
  const path = join(cwd, cutAfter("relaxed", 35), "run.json");
  const info = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...info, host: { ...info.host, simd: "relaxed" } }));
  const { stderr } = await expectCode(0, ["resume", "relaxed"], { cwd });
  assert.match(stderr, /^warning: the run began with --simd relaxed and continues with --simd plain/m);
});

test("what is no run ends with 3, a run that another process holds with 2, and a lock left behind is no hindrance", async () => {
  assert.match((await expectCode(3, ["resume", "nowhere"], { cwd })).stderr, /nowhere does not exist/);
  assert.match((await expectCode(3, ["resume", "images"], { cwd })).stderr, /images holds no run/);
  const lock = join(cwd, "run", "lock");
  writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
  assert.match(
    (await expectExit(2, ["resume", "run"], { cwd })).stderr,
    new RegExp(`in use by process ${process.pid} on`),
  );
  writeFileSync(lock, JSON.stringify({ pid: spawnSync(process.execPath, ["--version"]).pid, host: hostname() }));
  await expectCode(0, ["resume", "run"], { cwd });
  assert.not.ok(readdirSync(join(cwd, "run")).includes("lock"));
});

test("a profile of the rest of a run tells of the steps that were done, and of a finished run nothing", async () => {
  const run = cutAfter("profiled", LAST - 5);
  const { result } = await expectCode(0, ["resume", run, "--profile", "--json"], { cwd });
  const { phases } = result.profile as Costs;
  assert.is(phases.find(({ name }) => name === "update")?.calls, 5);
  assertSameEnd(run);
  rmSync(join(cwd, run, "profile.json"));
  const again = await expectCode(0, ["resume", run, "--profile", "--json"], { cwd });
  assert.is(again.result.profile, undefined);
  assert.not.ok(readdirSync(join(cwd, run)).includes("profile.json"));
});
