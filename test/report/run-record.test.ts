import * as assert from "uvu/assert";
import { append, metricsLine, rankFile, recordOf, rewrite, writtenRun } from "../support/run-files.js";
import { test } from "../support/test.js";

test("a run is read as it grows: numbers by key, networks, skipped steps", () => {
  const path = writtenRun({ steps: 4 });
  const record = recordOf(path);
  assert.is(record.iterations, 4);
  assert.is(record.plan.totalIterations, 8);
  assert.equal(record.metrics.values("objective"), [10, 9.99, 9.98, 9.97]);
  assert.equal(Object.fromEntries(record.drawn()), { "8x1": 2, "16x1": 1, "8x2": 1 });
  assert.is(record.refresh(), false);
  const bad = { objective: null, skipped: true, images: ["a.png", "b.png"] };
  append(path, "metrics.jsonl", `${metricsLine(4, bad)}\n${metricsLine(5).slice(0, 20)}`);
  assert.is(record.refresh(), true);
  assert.is(record.iterations, 5);
  assert.ok(Number.isNaN(record.metrics.values("objective")[4]));
  assert.equal(record.skipped, [{ iteration: 4, images: ["a.png", "b.png"] }]);
  append(path, "metrics.jsonl", `${metricsLine(5).slice(20)}\n`);
  record.refresh();
  assert.is(record.iterations, 6);
  assert.is(record.unreadableLines, 0);
});

test("a run that has written no line yet has no steps, and no process that holds it", () => {
  const record = recordOf(writtenRun({ steps: 0 }));
  assert.equal([record.iterations, record.finished, record.running, record.timed()], [0, false, false, null]);
  assert.is(record.ranking, null);
});

test("steps that a resumed run does again count once", () => {
  const path = writtenRun({ steps: 6 });
  append(path, "metrics.jsonl", `${metricsLine(3, { skipped: true, images: [] })}\n`);
  const record = recordOf(path);
  assert.equal(record.metrics.iterations, [0, 1, 2, 3]);
  assert.is(
    [...record.drawn().values()].reduce((sum, count) => sum + count, 0),
    4,
  );
  rewrite(path, "metrics.jsonl", `${metricsLine(0)}\n`);
  record.refresh();
  assert.is(record.iterations, 1);
  assert.equal(record.skipped, []);
  assert.equal(Object.fromEntries(record.drawn()), { "8x1": 1 });
});

test("lines that are damaged are counted and left out", () => {
  const lines = ["{", "[]", "null", '{"iteration":"0"}', "{}", metricsLine(0)].map((line) => `${line}\n`).join("");
  const record = recordOf(writtenRun({ steps: 0, files: { "metrics.jsonl": lines } }));
  assert.is(record.unreadableLines, 5);
  assert.is(record.iterations, 1);
});

test("evaluations are read by k, and a ranking when it comes", () => {
  const line = (iteration: number, at10: number) =>
    `${JSON.stringify({ iteration, elapsedMinutes: 2, knn: { 10: at10, 20: 0.5 }, featureStd: 0.1 })}\n`;
  const path = writtenRun({ files: { "evaluations.jsonl": line(3, 0.25) + line(7, 0.75) } });
  const record = recordOf(path);
  assert.equal(record.evaluations.iterations, [3, 7]);
  assert.equal(record.evaluations.values("knn.10"), [0.25, 0.75]);
  assert.equal(record.evaluations.values("featureStd"), [0.1, 0.1]);
  rewrite(path, "rank.json", JSON.stringify(rankFile));
  assert.is(record.refresh(), true);
  assert.is(record.ranking!.networks.length, 4);
});

test("timed stretches add up", () => {
  const line = (iteration: number) =>
    `${JSON.stringify({ iteration, steps: 3, images: 12, elapsedMs: 600, dataWaitMs: 60 })}\n`;
  const record = recordOf(writtenRun({ files: { "timing.jsonl": line(2) + line(5) } }));
  assert.equal(record.timed(), { images: 24, steps: 6, elapsedMs: 1200, dataWaitMs: 120 });
});
