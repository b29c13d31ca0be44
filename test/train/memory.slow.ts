import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { init, memory } from "../../src/runtime/context.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { train } from "../support/training.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of the process that are no garbage. */
function residentBytes(): number {
  collect();
  return process.memoryUsage().rss;
}

/** Least-squares slope of evenly spaced values, over all of them, as a share of their mean. */
function growth(values: readonly number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const middle = (values.length - 1) / 2;
  const products = values.reduce((sum, x, i) => sum + (i - middle) * (x - mean), 0);
  const squares = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return ((products / squares) * (values.length - 1)) / mean;
}

test(
  "after 1,000 steps as many bytes are in use as after 100, with everything that may vary from step to step",
  async () => {
    await init();
    const settings = ["student.drop_path_rate=0.2", "student.samples_per_step=2", "train.accumulate=2"];
    const trainer = new Trainer(runConfig("optim.epochs=300", ...settings), squareSource(42));
    await train(trainer, 100);
    const { peakStepBytes: early, ...inUse } = memory();
    await train(trainer, 900);
    const { peakStepBytes: late, ...inUseLater } = memory();
    assert.equal(inUseLater, inUse);
    // How many patches are masked is drawn, and a draw of 900 steps may be larger than those of 100.
    assert.ok(late <= 1.02 * early, `the largest step has grown from ${early} to ${late} bytes`);
    trainer.dispose();
  },
  { timeoutMs: 300_000 },
);

test(
  "over 9,000 of 10,000 steps the process grows by less than 1 %, and linear memory by nothing",
  async () => {
    await init();
    const settings = ["crops.local_crops_number=0", "train.batch_size_per_gpu=2", "student.max_embed_dim=8"];
    const trainer = new Trainer(runConfig("optim.epochs=2600", ...settings), squareSource(42));
    await train(trainer, 1000);
    const { peakStepBytes: _, ...inUse } = memory();
    const resident = [residentBytes()];
    while (trainer.iteration < 10_000) {
      await train(trainer, 500);
      resident.push(residentBytes());
    }
    const { peakStepBytes: __, ...inUseLater } = memory();
    assert.equal(inUseLater, inUse);
    const mib = resident.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" ");
    console.log(`resident MiB every 500 steps: ${mib}`); // shown if the test fails
    assert.ok(growth(resident) < 0.01, `it has grown by ${(100 * growth(resident)).toFixed(2)} %: ${mib}`);
    trainer.dispose();
  },
  { timeoutMs: 900_000 },
);
