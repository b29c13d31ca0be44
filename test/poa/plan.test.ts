import * as assert from "uvu/assert";
import { DataError } from "../../src/errors.js";
import { resolveConfig } from "../../src/poa/config.js";
import { architectures } from "../../src/poa/config-key.js";
import type { PartialConfig } from "../../src/poa/config-keys.js";
import { planRun, searchSpace } from "../../src/poa/plan.js";
import { test } from "../support/test.js";

const swin = { arch: "swin_dynamic" } as const;
const resnet = { arch: "resnet_dynamic" } as const;

test("the plan of the official recipes has the published iterations and learning rates", () => {
  const plan = (arch: (typeof architectures)[number]) =>
    planRun(resolveConfig({ student: { arch } }).config, { images: 1_281_167, processes: 32 });
  const [vit, swinPlan, resnetPlan] = architectures.map(plan);
  assert.equal(
    [vit, swinPlan, resnetPlan].map(({ imagesPerStep }) => imagesPerStep),
    [1600, 2048, 1280],
  );
  assert.equal(
    [vit, swinPlan, resnetPlan].map(({ totalIterations }) => totalIterations),
    [276_800, 216_250, 692_000],
  );
  assert.equal(
    [vit, swinPlan, resnetPlan].map(({ peakLearningRate }) => peakLearningRate),
    [0.005, 0.005656854249492381, 0.00447213595499958],
  );
  assert.is(vit.warmupIterations, 8000);
  assert.is(vit.frozenIterations, 800);
  assert.is(vit.temperatureIterations, 24_000);
  assert.is(vit.ibotStart, 24_000);
  assert.is(vit.checkpointEvery, 800);
});

test("a plan takes the epoch length from the images and the learning rate as it is set", () => {
  const input = {
    train: { batch_size_per_gpu: 64, accumulate: 2, OFFICIAL_EPOCH_LENGTH: null },
    optim: { lr: 0.01, epochs: 2.5, warmup_epochs: 0.5 },
    ibot: { loss_weight: 0 },
  };
  const { config } = resolveConfig(input);
  const plan = planRun(config, { images: 1300 });
  assert.is(plan.imagesPerStep, 128);
  assert.is(plan.epochLength, 10);
  assert.is(plan.totalIterations, 25);
  assert.is(plan.warmupIterations, 5);
  assert.is(plan.peakLearningRate, 0.01);
  assert.is(plan.ibotStart, Infinity);
  assert.throws(
    () => planRun(config, { images: 127 }),
    (error: unknown) =>
      error instanceof DataError && /127 images are fewer than one step takes, 128/.test(error.message),
  );
});

test("the search space follows the config", () => {
  const names = (input: PartialConfig) => searchSpace(resolveConfig(input).config).distinct().length;
  assert.equal([{}, { student: swin }, { student: resnet }].map(names), [143, 39, 465]);
  assert.is(names({ student: { width_interval: 2, depth_interval: 2 } }), 42);
  assert.is(searchSpace(resolveConfig({ student: { net_select_scale: 1 } }).config).length, 143);
});
