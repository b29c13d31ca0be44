import * as assert from "uvu/assert";
import { DataError, MemoryError } from "../../src/errors.js";
import { buildState } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import { estimateRun, processBytes } from "../../src/train/estimate.js";
import { Trainer } from "../../src/train/trainer.js";
import { refuses } from "../support/refuses.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

test("an estimate counts what a run would make, without a runtime", async () => {
  dispose();
  const config = runConfig("optim.epochs=3");
  const estimate = estimateRun(config, 40);
  assert.is(estimate.networks, 4);
  assert.is(estimate.iterations, 12);
  assert.is(estimate.imagesPerStep, 4);
  assert.ok(estimate.fits && estimate.wayOut === null);

  await init();
  const { student } = buildState(config);
  const { backbone } = student;
  assert.is(estimate.backboneParams, backbone.parameterCount - backbone.stateDict().get("mask_token")!.numel);
  assert.is(estimate.headParams, student.dino_head.parameterCount);
  assert.is(estimate.macs, backbone.multiplyAdds(16));
  // Weight, gradient, two moments, teacher, and the input slots besides.
  assert.ok(estimate.memory.stateBytes > 20 * student.parameterCount);
  // Two whole crops through the teacher forward and through the student forward and backward are eight passes.
  assert.ok(estimate.trainingMacs > 8 * estimate.macs);
});

test("separate heads of the patch loss count as heads", () => {
  const shared = estimateRun(runConfig(), 40);
  const separate = estimateRun(
    runConfig("ibot.separate_head=true", "ibot.head_n_prototypes=[8]", "ibot.head_hidden_dim=8"),
    40,
  );
  assert.ok(separate.headParams > shared.headParams);
  assert.is(separate.backboneParams, shared.backboneParams);
});

test("the largest published recipe is estimated in seconds without data, and does not fit whatever is saved", async () => {
  await init();
  const before = memory();
  const start = performance.now();
  const { config } = resolveConfig({}, { preset: "vit_ee1200" });
  const estimate = estimateRun(config, null);
  assert.ok(estimate.backboneParams > 3e8 && estimate.iterations === 346 * 800);
  assert.ok(estimate.memory.stateBytes > 20 * estimate.backboneParams && estimate.memory.activationBytes > 2 ** 34);
  assert.equal([estimate.fits, estimate.wayOut], [false, null]);
  assert.ok(performance.now() - start < 10_000);
  assert.equal(memory(), before);
});

test("without images the steps of a run are known only where the recipe fixes an epoch", () => {
  assert.is(estimateRun(runConfig(), null).iterations, 8);
  assert.is(estimateRun(runConfig("train.OFFICIAL_EPOCH_LENGTH=null"), null).iterations, null);
});

test("fewer images than a step takes are refused", () => {
  refuses(() => estimateRun(runConfig("train.OFFICIAL_EPOCH_LENGTH=null"), 3), DataError, "3 images are fewer");
});

test("a process holds what linear memory does, decoded and kept images, and copies while it saves", () => {
  const image = { width: 100, height: 100 };
  const bytes = (...overrides: string[]) => {
    const config = runConfig(...overrides);
    return processBytes(estimateRun(config, 40, { image }), config, { images: 40, image });
  };
  assert.is(bytes("train.cache=memory") - bytes(), 40 * 30_000);
  const { memory: linear, ...estimate } = estimateRun(runConfig(), 40, { image });
  const params = estimate.backboneParams + estimate.headParams;
  assert.ok(bytes() > linear.stateBytes + linear.activationBytes + 3 * 4 * 30_000 + 16 * params);
});

test("each worker adds an engine and the images it decodes, all of them slots, in place of decoded batches", () => {
  const image = { width: 1000, height: 1000 };
  const config = runConfig("train.accumulate=3"); // crops of 16 and 8 pixels, batches of 4
  const estimate = estimateRun(config, 40, { image });
  const bytes = (workers: number) => processBytes(estimate, config, { images: 40, image, workers });
  const each = (24 << 20) + 4 * 3_000_000;
  assert.is(bytes(2) - bytes(1), each);
  assert.is(bytes(1) - bytes(0), each + 4 * 4 * 4 * 3 * (2 * 16 * 16 + 2 * 8 * 8) - 3 * 4 * 3_000_000);
});

test("a state that does not fit into linear memory is refused before any of it is made, with the way out", async () => {
  await init({ memory: "64MiB" });
  const before = memory();
  const large = runConfig("dino.head_n_prototypes=[262144]", "dino.head_bottleneck_dim=64");
  refuses(() => new Trainer(large, squareSource(40)), MemoryError, "of linear memory (state 3");
  refuses(() => new Trainer(large, squareSource(40)), MemoryError, "dino.head_n_prototypes");
  assert.equal(memory(), before);
  new Trainer(runConfig(), squareSource(40)).dispose();
});
