import * as assert from "uvu/assert";
import { resolveConfig } from "../../src/poa/config.js";
import { planRun, searchSpace } from "../../src/poa/plan.js";
import { presetNames, presets } from "../../src/poa/recipes.js";
import { test } from "../support/test.js";

const preset = (name: string) => resolveConfig({}, { preset: name }).config;
const names = (name: string) =>
  searchSpace(preset(name))
    .distinct()
    .map((network) => network.name);

test("every preset is a valid config with a description", () => {
  for (const name of presetNames) {
    assert.equal(resolveConfig({}, { preset: name }).notes, [], name);
    assert.ok(presets[name].description.length > 20, name);
  }
});

test("the official presets are the defaults of their backbones", () => {
  assert.equal(preset("vit_ee1200"), resolveConfig({}).config);
  assert.equal(preset("swin_ee1200"), resolveConfig({ student: { arch: "swin_dynamic" } }).config);
  assert.equal(preset("resnet_ee2400"), resolveConfig({ student: { arch: "resnet_dynamic" } }).config);
});

test("cifar-tiny has the search space, steps and learning rate of the measured baseline", () => {
  const config = preset("cifar-tiny");
  const space = searchSpace(config);
  assert.is(space.length, 48);
  assert.is(space.distinct().length, 12);
  assert.is(space.full.name, "96x4");
  const plan = planRun(config, { images: 10_000 });
  assert.is(plan.epochLength, 156);
  assert.is(plan.totalIterations, 780);
  assert.is(plan.peakLearningRate, 0.001);
  assert.is(plan.ibotStart, 0);
  assert.equal(config.dino.head_n_prototypes, [512, 1024]);
  assert.is(config.teacher.final_momentum_teacher, 0.9999);
  assert.is(config.optim.iter_num_scale, 0.78);
});

test("the demo and its ViT span widths and depths in 3,000 and 4,000 steps", () => {
  assert.equal(names("demo"), ["8x1", "8x2", "12x1", "12x2", "16x1", "16x2"]);
  assert.equal(names("vit-digits"), ["32x2", "32x3", "48x2", "48x3", "64x2", "64x3"]);
  const plans = ["demo", "vit-digits"].map((name) => planRun(preset(name), { images: 8000 }));
  assert.equal(
    plans.map(({ totalIterations, warmupIterations, peakLearningRate }) => [
      totalIterations,
      warmupIterations,
      peakLearningRate,
    ]),
    [
      [3000, 300, 0.003],
      [4000, 400, 0.003],
    ],
  );
});

test("the small presets hold several networks of each backbone", () => {
  assert.is(names("vit-tiny").length, 9);
  assert.equal(names("swin-tiny"), ["16x1", "16x2", "24x1", "24x2", "32x1", "32x2"]);
  assert.equal(names("swin-photos"), ["8x1", "8x2", "12x1", "12x2", "16x1", "16x2"]);
  assert.is(names("resnet-tiny").length, 12);
  assert.is(searchSpace(preset("vit-small")).length, 111);
  for (const name of presetNames.filter((known) => !known.includes("_ee"))) {
    assert.is(preset(name).train.OFFICIAL_EPOCH_LENGTH, null, name);
  }
});

test("swin-photos sees 240,000 images of CIFAR-10's subset, in the preset's 15,000 steps", () => {
  const plan = planRun(preset("swin-photos"), { images: 10_000 });
  assert.equal([plan.totalIterations, plan.warmupIterations, plan.peakLearningRate], [15000, 625, 0.002]);
});

test("settings and overrides are laid over a preset, and an unknown preset names the nearest", () => {
  const { config } = resolveConfig(
    { optim: { epochs: 3 } },
    { preset: "demo", overrides: ["train.batch_size_per_gpu=24"] },
  );
  assert.is(config.optim.epochs, 3);
  assert.is(config.optim.lr, 0.003);
  assert.is(config.train.batch_size_per_gpu, 24);
  assert.throws(() => resolveConfig({}, { preset: "vit_ee120" }), /Did you mean vit_ee1200\?/);
  assert.throws(() => resolveConfig({}, { preset: "__proto__" }), /expected one of vit_ee1200/);
});
