import * as assert from "uvu/assert";
import { MemoryError } from "../../src/errors.js";
import { resolveConfig } from "../../src/poa/config.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import { countMemory, countWork } from "../../src/train/step-count.js";
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
    const count = countMemory(config, { image });
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

for (const preset of ["vit-tiny", "swin-tiny", "resnet-tiny"] as const) {
  test(`recomputing and moments outside change no bit of a run of ${preset}, and its memory is counted`, async () => {
    const few = ["train.batch_size_per_gpu=3", "train.OFFICIAL_EPOCH_LENGTH=2", "optim.epochs=1"];
    const settings = [...few, "optim.warmup_epochs=0", "ibot.loss_weight=1", "optim.ibot_activate_epochs=0.5"];
    const runs = [];
    for (const savings of [[], ["train.recompute=true", "optim.moments=host"]]) {
      const { config } = resolveConfig({}, { preset, overrides: [...settings, ...savings] });
      const count = countMemory(config, { image: { width: 64, height: 64 } });
      await init();
      const trainer = new Trainer(config, squareSource(6, 64));
      await train(trainer, 2);
      const { persistentBytes, peakStepBytes, heapBytes } = memory();
      assert.is(heapBytes, count.linearBytes);
      assert.ok(Math.abs(persistentBytes - count.stateBytes) < 4096);
      assert.ok(Math.abs(peakStepBytes / count.activationBytes - 1) < 0.06, `${peakStepBytes / count.activationBytes}`);
      runs.push({ state: fingerprintOf(copiedState(trainer)), persistentBytes, peakStepBytes });
    }
    const [plain, saving] = runs;
    assert.ok(saving.state === plain.state);
    assert.ok(saving.persistentBytes < 0.7 * plain.persistentBytes && saving.peakStepBytes < 0.8 * plain.peakStepBytes);
  });
}

test("recomputing and moments outside change no bit of a run, and what they save is counted", async () => {
  const runs = [];
  for (const overrides of [[], ["train.recompute=true"], ["optim.moments=host"]]) {
    const config = runConfig("student.max_depth=4", "student.drop_path_rate=0.2", "train.accumulate=2", ...overrides);
    await init();
    const trainer = new Trainer(config, squareSource(40));
    await train(trainer, 8);
    runs.push({ state: fingerprintOf(copiedState(trainer)), used: memory(), count: countMemory(config, { image }) });
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
  const [one, three] = [runConfig(), runConfig("train.accumulate=3")];
  assert.equal(countMemory(three, { image }), countMemory(one, { image }));
  const [work, more] = [countWork(one, { image }), countWork(three, { image })];
  assert.is(more.multiplyAdds, 3 * work.multiplyAdds);
  assert.ok(more.serialUs > 2.5 * work.serialUs && more.serialUs < 3 * work.serialUs);
  assert.ok(more.calls > 2 * work.calls && more.calls < 3 * work.calls);
});

test("recomputing adds the students' blocks once more to the work", () => {
  const plain = countWork(runConfig("student.max_depth=4"), { image });
  const again = countWork(runConfig("student.max_depth=4", "train.recompute=true"), { image });
  const ratio = again.multiplyAdds / plain.multiplyAdds;
  assert.ok(ratio > 1.1 && ratio < 1.34, `${ratio}`);
});

test("a step that does not fit below a limit is refused", () => {
  refuses(() => countMemory(runConfig(), { image, limitBytes: 4.5 * 2 ** 20 }), MemoryError, "5 MiB are allowed");
});
