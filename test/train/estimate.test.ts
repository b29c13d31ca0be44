import * as assert from "uvu/assert";
import { DataError, MemoryError } from "../../src/errors.js";
import { buildState } from "../../src/poa/build.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import { estimateRun } from "../../src/train/estimate.js";
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

  await init();
  const { student } = buildState(config);
  const { backbone } = student;
  assert.is(estimate.backboneParams, backbone.parameterCount - backbone.stateDict().get("mask_token")!.numel);
  assert.is(estimate.headParams, student.dino_head.parameterCount);
  assert.is(estimate.macs, backbone.multiplyAdds(16));
  assert.is(estimate.stateBytes, 20 * student.parameterCount);
});

test("the state takes at least the estimated memory and not much more", async () => {
  await init();
  const config = runConfig("student.max_embed_dim=64", "dino.head_hidden_dim=256", "dino.head_n_prototypes=[2048]");
  const before = memory().persistentBytes;
  const { student } = buildState(config);
  const gradients = 4 * student.parameterCount; // made by the first backward pass
  const state = memory().persistentBytes - before + gradients;
  const { stateBytes } = estimateRun(config, 40);
  assert.ok(state >= stateBytes && state < 1.2 * stateBytes, `${state} bytes, estimated ${stateBytes}`);
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

test("the largest published recipe is estimated in a moment", () => {
  const start = performance.now();
  const config = runConfig(
    "student.max_embed_dim=1024",
    "student.head_dim=64",
    "student.min_embed_dim=384",
    "student.max_depth=24",
  );
  assert.ok(estimateRun(config, 40).backboneParams > 3e8);
  assert.ok(performance.now() - start < 2000);
});

test("fewer images than a step takes are refused", () => {
  refuses(() => estimateRun(runConfig("train.OFFICIAL_EPOCH_LENGTH=null"), 3), DataError, "3 images are fewer");
});

test("a state that does not fit into linear memory is refused before any of it is made, with the way out", async () => {
  await init({ memory: "64MiB" });
  const before = memory();
  const large = runConfig("dino.head_n_prototypes=[262144]", "dino.head_bottleneck_dim=64");
  refuses(() => new Trainer(large, squareSource(40)), MemoryError, "GiB");
  refuses(() => new Trainer(large, squareSource(40)), MemoryError, "dino.head_n_prototypes");
  assert.equal(memory(), before);
  new Trainer(runConfig(), squareSource(40)).dispose();
});
