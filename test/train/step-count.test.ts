import * as assert from "uvu/assert";
import { MemoryError } from "../../src/errors.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import { countStep } from "../../src/train/step-count.js";
import { Trainer } from "../../src/train/trainer.js";
import { refuses } from "../support/refuses.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { copiedState, fingerprintOf, train } from "../support/training.js";

const image = { width: 16, height: 16 };

const cases: Record<string, string[]> = {
  "as it is": [],
  "without masks": ["ibot.loss_weight=0"],
  "with masks from the start, no local crops": ["optim.ibot_activate_epochs=0", "crops.local_crops_number=0"],
  "with subsets, two networks, two micro-batches": [
    "student.drop_path_rate=0.2",
    "student.samples_per_step=2",
    "train.accumulate=2",
  ],
  "with separate heads and running centres": ["ibot.separate_head=true", "train.centering=centering"],
  "recomputed, with moments outside": ["train.recompute=true", "optim.moments=host", "student.max_depth=4"],
};

for (const [name, overrides] of Object.entries(cases)) {
  test(`a run ${name} needs the memory that is counted`, async () => {
    const config = runConfig("ibot.head_n_prototypes=[12]", "ibot.head_hidden_dim=16", ...overrides);
    dispose();
    const count = countStep(config, { image });
    await init();
    const trainer = new Trainer(config, squareSource(40));
    await train(trainer, 8);
    const { persistentBytes, peakStepBytes, heapBytes } = memory();
    assert.is(heapBytes, count.linearBytes);
    // The buffers of image operations grow with what is drawn.
    assert.ok(Math.abs(persistentBytes - count.stateBytes) < 4096, `${persistentBytes}, counted ${count.stateBytes}`);
    // The count is for as many masked patches as there may be.
    assert.ok(
      peakStepBytes <= count.activationBytes && peakStepBytes > 0.93 * count.activationBytes,
      `${peakStepBytes}, counted ${count.activationBytes}`,
    );
    if (config.ibot.loss_weight === 0) assert.is(peakStepBytes, count.activationBytes);
  });
}

test("recomputing and moments outside change no bit of a run, and what they save is counted", async () => {
  const runs = [];
  for (const overrides of [[], ["train.recompute=true"], ["optim.moments=host"]]) {
    const config = runConfig("student.max_depth=4", "student.drop_path_rate=0.2", "train.accumulate=2", ...overrides);
    await init();
    const trainer = new Trainer(config, squareSource(40));
    await train(trainer, 8);
    runs.push({ state: fingerprintOf(copiedState(trainer)), used: memory(), count: countStep(config, { image }) });
  }
  const [plain, again, outside] = runs;
  assert.ok(again.state === plain.state && outside.state === plain.state);
  assert.ok(again.used.peakStepBytes < 0.7 * plain.used.peakStepBytes);
  assert.is(
    outside.used.persistentBytes - plain.used.persistentBytes,
    outside.count.stateBytes - plain.count.stateBytes,
  );
  const { hostBytes, stateBytes } = outside.count;
  const saved = plain.count.stateBytes - stateBytes; // each tensor begins on a cache line
  assert.ok(hostBytes <= saved && hostBytes > 0.9 * saved, `${hostBytes} outside, ${saved} less inside`);
});

test("micro-batches multiply the work and not the memory", () => {
  const one = countStep(runConfig(), { image });
  const three = countStep(runConfig("train.accumulate=3"), { image });
  assert.is(three.linearBytes, one.linearBytes);
  assert.is(three.multiplyAdds, 3 * one.multiplyAdds);
  assert.ok(three.serialUs > 2.5 * one.serialUs && three.serialUs < 3 * one.serialUs);
});

test("a step that does not fit below a limit is refused", () => {
  refuses(() => countStep(runConfig(), { image, limitBytes: 4.5 * 2 ** 20 }), MemoryError, "5 MiB are allowed");
});
