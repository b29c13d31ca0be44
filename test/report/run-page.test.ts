import * as assert from "uvu/assert";
import { resolveConfig } from "../../src/poa/config.js";
import { pageAssets } from "../../src/report/assets.js";
import type { Chart } from "../../src/report/chart.js";
import { runPage } from "../../src/report/run-page.js";
import { sectionsOf } from "../../src/report/sections.js";
import { seeded } from "../support/kernels.js";
import { metricsLine, type RunFiles, rankFile, recordOf, writtenRun } from "../support/run-files.js";
import { runConfig } from "../support/square-run.js";
import { test } from "../support/test.js";

const assets = pageAssets();

/** Sections of a run by id, their markup without tags, and all charts by id. */
function shown(files: RunFiles = {}) {
  const path = writtenRun(files);
  const sections = sectionsOf(recordOf(path, files.config), null);
  const plain = (text: string) => text.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  const charts = new Map<string, Chart>(sections.flatMap(({ charts }) => charts).map((chart) => [chart.id, chart]));
  return {
    path,
    charts,
    markup: Object.fromEntries(sections.map(({ id, body }) => [id, body.text])),
    text: Object.fromEntries(sections.map(({ id, body }) => [id, plain(body.text)])),
  };
}

const evaluations = [3, 7]
  .map(
    (iteration) => `${JSON.stringify({ iteration, elapsedMinutes: 1, knn: { 10: 0.5, 20: 0.6 }, featureStd: 0.2 })}\n`,
  )
  .join("");

test("losses are drawn by part, with a curve for each head, the objective first", () => {
  const { charts } = shown();
  const ids = [...charts.keys()].filter((id) => id.startsWith("loss "));
  assert.equal(ids, ["loss objective", "loss total_loss", "loss dino_local_crops_loss", "loss koleo_loss"]);
  const { series } = charts.get("loss dino_local_crops_loss")!;
  assert.equal(
    series.map(({ label }) => label),
    ["head 0", "head 1"],
  );
  assert.equal(series[1].values, [3, 3, 3, 3, 3, 3]);
});

test("schedules and gradient norms are drawn under the published keys", () => {
  const { charts } = shown();
  assert.equal(
    charts.get("lr")!.series.map(({ label }) => label),
    ["lr", "last_layer_lr"],
  );
  assert.equal(charts.get("lr")!.series[0].values, [0, 0.001, 0.002, 0.003, 0.004, 0.005]);
  for (const [id, value] of [
    ["wd", 0.04],
    ["mom", 0.992],
    ["teacher_temp", 0.04],
  ] as const)
    assert.is(charts.get(id)!.series[0].values[0], value);
  assert.equal(charts.get("grad_norm")!.series, [{ label: "backbone", values: new Array(6).fill(1.25) }]);
});

test("every chart has a place in the page, and every place a chart", () => {
  const { charts, markup } = shown({ files: { "evaluations.jsonl": evaluations, "rank.json": rankFile } });
  const places = Object.values(markup).flatMap((body) =>
    [...body.matchAll(/data-chart="([^"]*)"/g)].map(([, id]) => id),
  );
  assert.equal(places.sort(), [...charts.keys()].sort());
});

test("k-NN over time has a curve for each k, and figures that tell of collapse", () => {
  const { charts, text } = shown({ files: { "evaluations.jsonl": evaluations } });
  assert.equal(charts.get("knn")!.x, [3, 7]);
  assert.equal(
    charts.get("knn")!.series.map(({ label }) => label),
    ["k = 10", "k = 20"],
  );
  assert.equal(charts.get("featureStd")!.series[0].values, [0.2, 0.2]);
  assert.match(text.overview, /k-NN 60\.0 % k = 20, step 7/);
  assert.match(shown().text.evaluation, /evaluation\.knn=SPEC/);
});

test("the networks drawn are counted by width and depth", () => {
  const { text } = shown();
  assert.match(text.networks, /times drawn, of 6/);
  assert.match(text.networks, /width from left to right, depth upwards 2 2 0 1 2 2 8 16/);
});

test("a run without elastic networks says so instead of counting them", () => {
  const config = runConfig("student.samples_per_step=0", "dino.lambda_ie=1");
  const line = `${metricsLine(0, { networks: [] })}\n`;
  const { text } = shown({ config, steps: 0, files: { "metrics.jsonl": line } });
  assert.match(text.networks, /the intact network, 16x2, and no other/);
});

test("a ranking is a map, two fronts and a table; without one the section names the command", () => {
  const { charts, text, markup } = shown({ files: { "rank.json": rankFile } });
  assert.match(text.accuracy, /2 60\.0 72\.5 1 50\.0 55\.0/);
  assert.is(markup.accuracy.match(/ marked"/g)!.length, 3);
  const { x, names, series } = charts.get("pareto-ms")!;
  assert.equal(
    [x, names],
    [
      [1, 2, 3, 4],
      ["8x1", "8x2", "16x1", "16x2"],
    ],
  );
  assert.equal(series[0].values, [50, 60, 55, 72.5]);
  assert.equal(series[0].range, { low: [45, 55, 50, 67.5], high: [55, 65, 60, 77.5] });
  assert.equal(series[1].values, [50, 60, null, 72.5], "the front leaves out what a cheaper network exceeds");
  assert.match(text.accuracy, /16x2 ★/);
  assert.match(text.accuracy, /beyond chance: 1 8x2 is better than 16x1 by 5\.0 points/);
  const bare = shown();
  assert.ok(bare.text.accuracy.includes(`poa subnets rank ${bare.path} --data SPEC`));
  assert.ok(bare.text.pictures.includes(`poa report ${bare.path} --data SPEC`));
});

test("the run tells host, data, timing, skipped steps with their images, and the whole configuration", () => {
  const timing = [2, 5]
    .map((iteration) => `${JSON.stringify({ iteration, steps: 3, images: 12, elapsedMs: 500, dataWaitMs: 50 })}\n`)
    .join("");
  const bad = `${metricsLine(0, { skipped: true, images: ["dir/a.png"], objective: null })}\n`;
  const { text, charts } = shown({ steps: 0, files: { "metrics.jsonl": bad, "timing.jsonl": timing } });
  for (const wanted of [
    /cpu a processor/,
    /folder:\/photos/,
    /images per second 24/,
    /waiting for data 10\.0 %/,
    /step 0: dir\/a\.png/,
  ])
    assert.match(text.run, wanted);
  assert.match(text.run, /samples_per_step: 1/);
  assert.equal(charts.get("rate")!.series[0].values, [24, 24]);
  assert.equal(charts.get("wait")!.series[0].values, [10, 10]);
  assert.match(text.overview, /steps skipped 1/);
});

test("a run that has done no step has a page that says so", () => {
  const { charts, text } = shown({ steps: 0 });
  assert.is(charts.size, 0);
  for (const id of ["losses", "schedules", "networks"]) assert.match(text[id], /yet/);
  assert.match(text.overview, /stopped steps 0 of 8, 0\.0 %/);
});

test("names from outside stay text: data, images, host, networks of damaged files", () => {
  const evil = `<script>alert(1)</script>`;
  const line = `${metricsLine(0, { skipped: true, images: [evil], networks: [evil], [`${evil}_loss`]: 1, [`grad_norm_${evil}`]: 2 })}\n`;
  const rank = { ...rankFile, data: evil, test: evil, networks: [{ ...rankFile.networks[0], name: evil }] };
  const path = writtenRun({
    steps: 0,
    info: { data: evil, host: { [evil]: evil }, version: evil, dataFingerprint: evil, init: evil },
    files: {
      "metrics.jsonl": line,
      "rank.json": rank,
      "evaluations.jsonl": `${JSON.stringify({ iteration: 1, knn: { [evil]: 1 } })}\n`,
    },
  });
  const made = runPage(recordOf(path), { assets });
  assert.not.match(made, /<script>alert/);
  assert.is(made.match(/<script/g)!.length, 3, "the data and the two scripts of the page");
});

test("the page of a demonstration, evaluated and ranked, with pictures of the most bytes, stays below 2 MB", () => {
  const steps = 3_000;
  const { config } = resolveConfig({}, { preset: "demo" });
  const next = seeded(1);
  const drawn = ["8x1", "8x2", "12x1", "12x2", "16x1"];
  const metrics = Array.from({ length: steps }, (_, i) => {
    const loss = 5 - i / steps + next();
    const changes = { total_loss: loss, objective: loss, grad_norm_backbone: next(), networks: [drawn[i % 5]] };
    return `${metricsLine(i, changes)}\n`;
  });
  const files = {
    "metrics.jsonl": metrics.join(""),
    "evaluations.jsonl": Array.from({ length: 200 }, () => evaluations).join(""),
    "rank.json": { ...rankFile, networks: [...drawn, "16x2"].map((name) => ({ ...rankFile.networks[3], name })) },
  };
  const noise = (bytes: number) => Uint8Array.from({ length: bytes }, () => 256 * next());
  const pictures = [380_000, 240_000, 240_000, 240_000].map((bytes) => ({
    ...{ title: "Noise", caption: "Nothing.", width: 400, height: 300 },
    png: noise(bytes),
  }));
  const path = writtenRun({ steps: 0, config, files });
  const bytes = Buffer.byteLength(runPage(recordOf(path, config), { assets, pictures }));
  assert.ok(bytes > 4 * (1_100_000 / 3), "the pictures are in it");
  assert.ok(bytes < 2_000_000, `${bytes} bytes`);
});

test("the same run gives the same bytes, and a long one a file of bounded size", () => {
  const path = writtenRun({ steps: 5_000 });
  const made = runPage(recordOf(path), { assets });
  assert.is(made, runPage(recordOf(path), { assets }));
  assert.ok(made.length < 300_000, `${made.length} characters`);
});
