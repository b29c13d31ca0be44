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
