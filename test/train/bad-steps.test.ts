import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { BadSteps } from "../../src/train/bad-steps.js";
import { type StepReport, Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

/** A step after one weight has become infinite. */
async function badReport(): Promise<StepReport> {
  const trainer = new Trainer(runConfig(), squareSource(22));
  const [, bias] = trainer.model.student.namedParameters().find(([name]) => name === "backbone.norm.bias")!;
  const values = bias.toArray() as Float32Array;
  values[1] = Number.POSITIVE_INFINITY;
  values[2] = -0.5;
  bias.write(values);
  const report = await trainer.step();
  trainer.dispose();
  return report;
}

const report = await badReport();

test("a step leaves its images, losses as words, and each tensor that was not finite, without its numbers", () => {
  const path = join(tempFolder(), "bad-steps");
  const file = new BadSteps(path).save(report)!;
  assert.is(file, join(path, "000000000.json"));
  const written = JSON.parse(readFileSync(file, "utf8"));
  assert.is(written.iteration, 0);
  assert.equal(written.images, report.culprits);
  assert.is(written.images.length, 4);
  assert.is(written.loss, "NaN");
  assert.equal(written.tensors[0], {
    name: "student backbone.norm.bias",
    shape: [16],
    nan: 0,
    infinite: 1,
    min: -0.5,
    max: 0,
  });
});

test("what will be done again is forgotten, and no more is written than anyone reads", () => {
  const path = join(tempFolder(), "bad-steps");
  const steps = new BadSteps(path);
  for (let iteration = 0; iteration < 105; iteration++) steps.save({ ...report, iteration });
  assert.is(readdirSync(path).length, 100);
  assert.is(steps.save({ ...report, iteration: 200 }), null);
  steps.truncate(7);
  assert.equal(readdirSync(path).sort().at(-1), "000000006.json");
  steps.truncate(0);
  assert.not.ok(existsSync(path));
  steps.truncate(0);
});
