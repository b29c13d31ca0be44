import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { init, memory } from "../../src/runtime/context.js";
import { diskCacheIn } from "../../src/train/disk-cache.js";
import { trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** Until here the engine compiles, and its heap finds its size. */
const WARM_STEPS = 5_000;
const STEPS = WARM_STEPS + 10_000;
const READING_STEPS = 100;

setFlagsFromString("--expose-gc");
/** What counts is what stays, not when the engine collects its garbage. */
const collectGarbage = runInNewContext("gc") as () => void;

/** By how much a line through readings at equal distances rises over all of them, as a share of their mean. */
function riseOf(readings: readonly number[]): number {
  const middle = (readings.length - 1) / 2;
  const mean = readings.reduce((sum, value) => sum + value, 0) / readings.length;
  let [covariance, variance] = [0, 0];
  for (const [i, value] of readings.entries()) {
    covariance += (i - middle) * (value - mean);
    variance += (i - middle) ** 2;
  }
  return ((covariance / variance) * (readings.length - 1)) / mean;
}

test("a line's rise is told as a share of its mean", () => {
  assert.ok(Math.abs(riseOf([90, 95, 100, 105, 110]) - 0.2) < 1e-12);
  assert.is(riseOf([7, 7, 7]), 0);
});

test(
  "over 10,000 steps the bytes in use stay the same and the process grows by less than 1 %, saving, logging and caching included",
  async () => {
    await init();
    const path = tempFolder();
    const settings = [
      ...["student.drop_path_rate=0.2", "student.samples_per_step=2", "train.batch_size_per_gpu=2"],
      ...["train.cache=disk", "train.checkpoint_every_steps=500", "train.keep_best=1", "train.tensorboard=true"],
    ];
    const config = runConfig(`optim.epochs=${STEPS / 4}`, ...settings);
    const trainer = new Trainer(config, squareSource(42), { diskCache: diskCacheIn(path) });
    const readings: { resident: number; bytes: ReturnType<typeof memory> }[] = [];
    const result = await trainLoop(trainer, new RunFolder(path), {
      model: "{}",
      onStep: ({ iteration }) => {
        if (iteration < WARM_STEPS || iteration % READING_STEPS !== 0) return;
        collectGarbage();
        readings.push({ resident: process.memoryUsage().rss, bytes: memory() });
      },
    });
    trainer.close();
    assert.is(result.iterations, STEPS);
    assert.is(readings.length, (STEPS - WARM_STEPS) / READING_STEPS);
    const [{ bytes: first }] = readings;
    for (const { bytes } of readings) {
      const { peakStepBytes, ...inUse } = bytes;
      assert.equal({ ...inUse, peakStepBytes: first.peakStepBytes }, first);
      // How many patches are masked is drawn, and a draw of many steps may be larger than those of a few.
      assert.ok(peakStepBytes <= 1.02 * first.peakStepBytes, `the largest step has grown to ${peakStepBytes} bytes`);
    }
    const resident = readings.map((reading) => reading.resident);
    const rise = riseOf(resident);
    const ends = [resident[0], resident[resident.length - 1]].map((bytes) => Math.round(bytes / 2 ** 10));
    console.log(
      `resident ${ends[0]} KiB at step ${WARM_STEPS}, ${ends[1]} KiB at the end; rise ${(100 * rise).toFixed(2)} %`,
    );
    assert.ok(rise < 0.01, `the process grows by ${(100 * rise).toFixed(2)} % over ${STEPS - WARM_STEPS} steps`);
  },
  { timeoutMs: 3_600_000 },
);
