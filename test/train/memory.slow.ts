import * as assert from "uvu/assert";
import { init, memory } from "../../src/runtime/context.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { train } from "../support/training.js";

test(
  "after 1,000 steps as many bytes are in use as after 100, with everything that may vary from step to step",
  async () => {
    await init();
    const settings = ["student.drop_path_rate=0.2", "student.samples_per_step=2", "train.accumulate=2"];
    const trainer = new Trainer(runConfig("optim.epochs=300", ...settings), squareSource(42));
    const used = () => {
      const { persistentBytes, stepBytes, peakStepBytes, heapBytes } = memory();
      return { persistentBytes, stepBytes, peakStepBytes, heapBytes };
    };
    await train(trainer, 100);
    const early = used();
    const { rss } = process.memoryUsage();
    await train(trainer, 900);
    assert.equal(used(), early);
    const grown = process.memoryUsage().rss - rss;
    assert.ok(grown < 64 << 20, `the process has grown by ${grown >> 20} MiB`);
  },
  { timeoutMs: 300_000 },
);
