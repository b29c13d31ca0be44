import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { resolveConfig } from "../../src/poa/config.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Trainer } from "../../src/train/trainer.js";
import { FORCED_MEMORY, forcedThreads } from "../support/forced-threads.js";
import { numbers } from "../support/gradcheck.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { fingerprintOf, stateAfter, train } from "../support/training.js";

const source = squareSource(12, 40);

/** What of a recipe a few steps of small batches need; masks and stochastic depth on. */
const few = [
  "train.batch_size_per_gpu=3",
  "train.OFFICIAL_EPOCH_LENGTH=8",
  "optim.epochs=1",
  "optim.warmup_epochs=0.25",
  "ibot.loss_weight=1",
  "optim.ibot_activate_epochs=0.125",
];

const recipes = {
  "swin-tiny": [...few, "student.drop_path_rate=0.3"],
  "resnet-tiny": few,
};

/** For the memory that divided calls have. */
const narrower = { "swin-tiny": ["student.min_embed_dim=16", "student.max_embed_dim=32"], "resnet-tiny": [] };

for (const [preset, overrides] of Object.entries(recipes)) {
  const config = resolveConfig({}, { preset, overrides }).config;

  test(`${preset} trains: losses of all kinds are finite, and weights move`, async () => {
    await init({ threads: 1 });
    const trainer = new Trainer(config, source);
    const before = new Map([...trainer.state().student].map(([name, x]) => [name, x.toArray()]));
    const reports = await train(trainer, 4);
    for (const { updated, loss, losses } of reports) {
      assert.ok(updated && Number.isFinite(loss));
      assert.ok(Object.values(losses).every(Number.isFinite));
    }
    assert.not.ok("ibot_loss_0" in reports[0].losses);
    assert.ok("ibot_loss_0" in reports[3].losses);
    const still = [...trainer.state().student].filter(([name, x]) => {
      const old = before.get(name)!;
      return x.toArray().every((value, i) => value === old[i]);
    });
    // Norms that serve probes alone have no gradient.
    assert.equal(
      still.map(([name]) => name).filter((name) => !/^backbone\.norm[012]\./.test(name)),
      [],
    );
    trainer.dispose();
  });

  test(`${preset}: every sub-network of the teacher is an encoder with a spec of its own`, async () => {
    await init({ threads: 1 });
    const trainer = new Trainer(config, source);
    const side = config.crops.global_crops_size;
    const images = fromArray(numbers([2, 3, side, side], 1), [2, 3, side, side]);
    const specs = trainer.space.distinct().map(({ name }) => {
      const { backbone, spec } = trainer.encoder(name);
      const feature = step(() => backbone.classToken(images).toArray());
      assert.is(feature.length, 2 * backbone.featureDim);
      assert.ok(feature.every(Number.isFinite));
      return JSON.stringify(spec);
    });
    assert.is(new Set(specs).size, trainer.space.distinct().length);
    trainer.dispose();
  });

  test(`${preset}: a run that is restored in another trainer goes on bit-equal`, async () => {
    await init({ threads: 1 });
    const whole = fingerprintOf(await stateAfter(config, source, 4));
    assert.ok(fingerprintOf(await stateAfter(config, source, 4, { restartAt: 2 })) === whole);
  });

  test(`${preset}: steps whose every kernel call is divided have the bits of one thread`, async () => {
    await init({ threads: 1 });
    const narrow = resolveConfig({}, { preset, overrides: [...overrides, ...narrower[preset as "swin-tiny"]] }).config;
    const alone = fingerprintOf(await stateAfter(narrow, source, 2));
    for (const threads of [2, 3]) {
      const { heap, kernels, pool } = await forcedThreads(threads);
      await init({ kernels: { heap, kernels }, memory: FORCED_MEMORY });
      assert.ok(fingerprintOf(await stateAfter(narrow, source, 2)) === alone, `${threads} threads`);
      pool.dispose();
    }
  });
}
