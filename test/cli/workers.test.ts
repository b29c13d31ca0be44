import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { expectCode, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

/** Metrics without what differs from run to run. */
const metricsOf = (folder: string, run: string) =>
  readFileSync(join(folder, run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { seconds: _, data_wait: __, ...rest } = JSON.parse(line);
      return rest;
    });

test("poa pretrain with and without workers takes the same steps, and counts the same broken images", async () => {
  const folder = workshop();
  writeFileSync(join(folder, "images/left/000.png"), "no image");
  const runs = [];
  for (const workers of ["0", "2"]) {
    const run = `run${workers}`;
    const ran = await expectCode(
      0,
      ["pretrain", "--config", "tiny.yaml", "--data", "images", "--out", run, "--workers", workers, "--json"],
      { cwd: folder },
    );
    const steps = ran.events.filter(({ event }) => event === "step");
    assert.ok(steps.every(({ dataWaitShare: share }) => (share as number) >= 0 && (share as number) <= 1));
    const { loss, broken } = ran.result;
    assert.is(broken, 1);
    runs.push({ loss, metrics: metricsOf(folder, run), warnings: ran.stderr.match(/.*Left out\./g) });
  }
  assert.equal(
    runs[1].metrics.map(({ objective }) => objective),
    runs[0].metrics.map(({ objective }) => objective),
  );
  assert.is(runs[1].loss, runs[0].loss);
  assert.equal(runs[1].warnings, runs[0].warnings);
});

test("a worker that is killed ends the run with exit code 5 and its reason, and the run can be resumed", async () => {
  const folder = workshop();
  const kill = (worker: Worker) => void worker.once("message", () => void worker.terminate());
  process.once("worker", kill);
  const { stderr } = await expectCode(5, [...tinyPretrain, "--workers", "1", "--threads", "1"], { cwd: folder });
  assert.match(stderr, /a worker that prepares images ended \(.*\)\. Try again, or .*--workers 0/);
  const { result } = await expectCode(0, ["resume", "run", "--workers", "1", "--json"], { cwd: folder });
  assert.is(result.iterations, 8);
});

test("a number of workers that is none is wrong use", async () => {
  const folder = workshop();
  await expectCode(2, [...tinyPretrain, "--workers", "x"], { cwd: folder });
  await expectCode(2, [...tinyPretrain, "--workers", "65"], { cwd: folder });
});
