import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { asPublished, checkFinetuneSettings, finetuneRecipes } from "../../src/train/finetune-settings.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("the recipes are the published table", () => {
  const rows = Object.entries(finetuneRecipes).map(([name, { epochs, lr, layerDecay, batch, dropPath }]) => [
    name,
    [epochs, lr, layerDecay, batch, dropPath],
  ]);
  const table = Object.fromEntries(rows);
  assert.equal(table.vit_s, [200, 2e-3, 0.55, 256, 0.1]);
  assert.equal(table.vit_b, [100, 7e-4, 0.4, 256, 0.2]);
  assert.equal(table.vit_l, [50, 1.8e-3, 0.6, 256, 0.2]);
  assert.equal(table.swin_t, [200, 1.4e-3, 0.6, 128, 0.1]);
  assert.equal(table.swin_s, [100, 1e-3, 0.4, 128, 0.2]);
  assert.equal(table.swin_b, [50, 7e-4, 0.55, 64, 0.2]);
  assert.equal(table.resnet_50, [100, 1.4e-3, 0.6, 128, 0]);
  assert.equal(table.resnet_101, [100, 1e-3, 0.4, 128, 0]);
  assert.equal(table.resnet_152, [100, 7e-4, 0.45, 64, 0]);
  const { vit_b, cars_b } = finetuneRecipes;
  assert.equal([vit_b.mixup, vit_b.cutmix, vit_b.smoothing, vit_b.erasing], [0.8, 1, 0.1, 0.25]);
  assert.equal([vit_b.randAugment, vit_b.weightDecay, vit_b.minLr], ["m9-mstd0.5-inc1", 0.05, 1e-6]);
  assert.equal(
    [cars_b.epochs, cars_b.lr, cars_b.lrBatch, cars_b.layerDecay, cars_b.seed],
    [1000, 3e-4, 512, 0.7, 1024],
  );
  const repeated = Object.entries(finetuneRecipes).filter(([, { augRepeats }]) => augRepeats === 3);
  assert.equal(
    repeated.map(([name]) => name),
    Object.keys(finetuneRecipes).filter((name) => /^(cifar|inat|flowers|cars)/.test(name)),
  );
  assert.is(vit_b.augRepeats, 1);
});

test("every recipe is in range", () => {
  for (const settings of Object.values(finetuneRecipes)) checkFinetuneSettings(settings);
});

test("the published code has no drop path, and its cosine reaches over 200 epochs", () => {
  const { dropPath, scheduleEpochs } = asPublished(finetuneRecipes.vit_l);
  assert.equal([dropPath, scheduleEpochs], [0, 200]);
  assert.is(asPublished(finetuneRecipes.cifar10_s).scheduleEpochs, 1000);
});

test("everything that is out of range is told at once", () => {
  const wrong = {
    epochs: 0,
    batch: 1.5,
    layerDecay: 0,
    smoothing: 2,
    dropPath: 1,
    ema: 1,
    warmupEpochs: 3,
    augRepeats: 0,
  };
  for (const key of Object.keys(wrong))
    refuses(() => checkFinetuneSettings({ ...finetuneRecipes.small, ...wrong }), ConfigError, `${key} is `);
  refuses(() => checkFinetuneSettings({ ...finetuneRecipes.small, randAugment: "x" }), ConfigError, "RandAugment");
  refuses(
    () => checkFinetuneSettings({ ...finetuneRecipes.small, scheduleEpochs: 5 }),
    ConfigError,
    "at least the epochs, 20",
  );
});
