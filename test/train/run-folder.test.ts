import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ConfigError, DataError, FormatError } from "../../src/errors.js";
import { RunFolder, type RunInfo } from "../../src/train/run-folder.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const info: RunInfo = {
  version: "0.0.0",
  data: "folder:/somewhere/photos",
  init: null,
  dataFingerprint: "0123456789abcdef",
  images: 3,
  seed: 1,
  host: {},
};

/** A finished run: described, with two metrics and no lock. */
function runIn(path: string): RunFolder {
  const folder = RunFolder.create(path);
  folder.describe("optim: {}\n", info);
  folder.appendMetrics({ iteration: 0 });
  folder.appendMetrics({ iteration: 1 });
  folder.unlock();
  return folder;
}

const lockOf = (pid: number, host = hostname()) => JSON.stringify({ pid, host });

/** The id of a process that has ended. */
const deadPid = spawnSync(process.execPath, ["--version"]).pid;

test("a new run gets a folder, with those above it, and holds it until it is unlocked", () => {
  const path = join(tempFolder(), "a", "b");
  const folder = RunFolder.create(path);
  assert.equal(readdirSync(path).sort(), ["checkpoints", "lock"]);
  assert.equal(JSON.parse(readFileSync(join(path, "lock"), "utf8")), { pid: process.pid, host: hostname() });
  folder.unlock();
  folder.unlock();
  assert.equal(readdirSync(path), ["checkpoints"]);
});

test("an empty folder is taken; a file, or a folder with anything in it, is refused and stays as it is", () => {
  RunFolder.create(tempFolder()).unlock();
  const folder = tempFolder({ "full/notes.txt": "mine", file: "" });
  refuses(() => RunFolder.create(join(folder, "full")), ConfigError, "is not empty");
  refuses(() => RunFolder.create(join(folder, "file")), ConfigError, "is a file");
  refuses(() => RunFolder.create(join(folder, "file", "below")), ConfigError, "cannot be made");
  assert.equal(readdirSync(join(folder, "full")), ["notes.txt"]);
});

test("with overwrite the files of the run before are deleted, and only those", () => {
  const path = tempFolder({ "notes.txt": "mine", "report.html": "mine" });
  const before = RunFolder.create(path, { overwrite: true });
  before.describe("optim: {}\n", info);
  before.appendMetrics({ iteration: 0 });
  mkdirSync(before.checkpoints.folderOf(3));
  before.unlock();
  RunFolder.create(path, { overwrite: true }).unlock();
  assert.equal(readdirSync(path).sort(), ["checkpoints", "notes.txt", "report.html"]);
  assert.equal(readdirSync(join(path, "checkpoints")), []);
});

test("asking whether a folder is free changes nothing", () => {
  const path = tempFolder();
  RunFolder.expectFree(join(path, "new"));
  RunFolder.expectFree(path);
  assert.equal(readdirSync(path), []);
  runIn(path);
  const before = readdirSync(path);
  refuses(() => RunFolder.expectFree(path), ConfigError, "is not empty");
  RunFolder.expectFree(path, { overwrite: true });
  assert.equal(readdirSync(path), before);
});

test("a folder that a live process holds is refused with its id, also with overwrite, and stays as it is", () => {
  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  try {
    const path = tempFolder();
    runIn(path);
    writeFileSync(join(path, "lock"), lockOf(other.pid!));
    const before = readdirSync(path);
    for (const call of [
      () => RunFolder.create(path, { overwrite: true }),
      () => RunFolder.expectFree(path, { overwrite: true }),
      () => RunFolder.open(path),
    ]) {
      refuses(call, ConfigError, `in use by process ${other.pid} on ${hostname()}`);
    }
    assert.equal(readdirSync(path), before);
  } finally {
    other.kill();
  }
});

test("a lock of another host counts as held, and the message tells how to remove it", () => {
  const path = tempFolder();
  runIn(path);
  writeFileSync(join(path, "lock"), lockOf(deadPid, "elsewhere"));
  refuses(() => RunFolder.open(path), ConfigError, `if it is long gone, delete ${join(path, "lock")}`);
});

test("a lock that a dead process left is taken over", () => {
  const path = tempFolder();
  runIn(path);
  writeFileSync(join(path, "lock"), lockOf(deadPid));
  const folder = RunFolder.open(path);
  assert.is(readFileSync(join(path, "lock"), "utf8"), lockOf(process.pid));
  folder.unlock();
});

test("a lock of another process is not removed", () => {
  const path = tempFolder();
  const folder = RunFolder.create(path);
  writeFileSync(join(path, "lock"), lockOf(deadPid));
  folder.unlock();
  assert.is(readFileSync(join(path, "lock"), "utf8"), lockOf(deadPid));
});

test("what is no run cannot be opened, and nothing is made in it", () => {
  const path = tempFolder({ "notes.txt": "mine" });
  refuses(() => RunFolder.open(path), DataError, "holds no run");
  refuses(() => RunFolder.open(join(path, "missing")), DataError, "does not exist");
  assert.equal(readdirSync(path), ["notes.txt"]);
});

test("a run says what it is", () => {
  const path = tempFolder();
  const folder = runIn(path);
  assert.equal(folder.readInfo(), info);
  assert.equal(RunFolder.infoOf(path), info);
  assert.is(readFileSync(folder.configPath, "utf8"), "optim: {}\n");
});

test("a missing or damaged run.json is an error that names it", () => {
  const path = tempFolder();
  refuses(() => RunFolder.infoOf(path), DataError, join(path, "run.json"));
  for (const text of ["", "null", "{", "[]", '{"data":3}']) {
    writeFileSync(join(path, "run.json"), text);
    refuses(() => RunFolder.infoOf(path), FormatError, join(path, "run.json"));
  }
});

test("metrics of iterations that come again, and a line that was cut off, are dropped", () => {
  const path = tempFolder();
  const folder = runIn(path);
  const metrics = join(path, "metrics.jsonl");
  folder.appendMetrics({ iteration: 2 });
  writeFileSync(metrics, `${readFileSync(metrics, "utf8")}{"iteration":1,"lo`);
  folder.truncateMetrics(2);
  assert.is(readFileSync(metrics, "utf8"), '{"iteration":0}\n{"iteration":1}\n');
  folder.truncateMetrics(0);
  assert.is(readFileSync(metrics, "utf8"), "");
});

test("metrics that all stay are not written again, and none are made where there are none", () => {
  const path = tempFolder();
  const folder = runIn(path);
  const before = statSync(join(path, "metrics.jsonl")).ino;
  folder.truncateMetrics(2);
  assert.is(statSync(join(path, "metrics.jsonl")).ino, before);
  const empty = RunFolder.create(tempFolder());
  empty.truncateMetrics(5);
  assert.equal(readdirSync(empty.path).sort(), ["checkpoints", "lock"]);
});

const evaluationAt = (iteration: number) => ({
  ...{ iteration, elapsedMinutes: iteration / 4, knn: { 10: 0.5 }, featureStd: 0.1 },
  ...{ teacherEntropy: null, teacherMeanEntropy: null, lossOverLnK: null },
});

test("evaluations of steps that come again are dropped, that of the step a run goes on from stays", () => {
  const folder = runIn(join(tempFolder(), "run"));
  assert.is(folder.lastEvaluation(), null);
  for (const iteration of [0, 4, 8]) folder.appendEvaluation(evaluationAt(iteration));
  assert.equal(folder.lastEvaluation(), evaluationAt(8));
  folder.truncateMetrics(4);
  assert.equal(folder.lastEvaluation(), evaluationAt(4));
  folder.truncateMetrics(3);
  assert.equal(folder.lastEvaluation(), evaluationAt(0));
});

test("with overwrite evaluations and ranking of the run before are deleted", () => {
  const path = join(tempFolder(), "run");
  const folder = runIn(path);
  folder.appendEvaluation(evaluationAt(0));
  writeFileSync(folder.rankPath, "{}");
  RunFolder.create(path, { overwrite: true }).unlock();
  assert.equal(readdirSync(path), ["checkpoints"]);
});
