import { join } from "node:path";
import * as assert from "uvu/assert";
import { type Command, parseCall } from "../../src/cli/command.js";
import {
  finetuneSettings,
  openFinetuneSources,
  settingsOptions,
  sourceOptions,
} from "../../src/cli/finetune-options.js";
import { ConfigError } from "../../src/errors.js";
import { finetuneRecipes } from "../../src/train/finetune-settings.js";
import { imagesIn } from "../support/program.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const verb: Command = {
  ...{ name: "finetune", summary: "", examples: [], run: async () => 0 },
  options: { ...sourceOptions, ...settingsOptions },
};
const call = (...argv: string[]) => parseCall(verb, argv);

test("options are laid over a recipe", () => {
  assert.equal(finetuneSettings(call()), finetuneRecipes.small);
  const settings = finetuneSettings(call("--recipe", "vit_b", "--lr", "1e-3", "--ema", "0.7", "--randaugment", "none"));
  assert.equal(settings, { ...finetuneRecipes.vit_b, lr: 1e-3, ema: 0.7, randAugment: null });
  assert.is(finetuneSettings(call("--head", "projection", "--seed", "7", "--recompute")).hidden, 2048);
});

test("the help names every recipe, and no other", () => {
  const brief = settingsOptions.recipe.about.split(": ")[1];
  const expand = (text: string): string[] => {
    const [, before, inner, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(text) ?? [];
    return inner === undefined ? [text] : inner.split(",").flatMap((part) => expand(before + part + after));
  };
  const named = brief.split(", ").flatMap(expand);
  assert.equal(named.sort(), Object.keys(finetuneRecipes).sort());
});

test("every number of the settings has an option", () => {
  const numbers = ["epochs", "schedule-epochs", "warmup", "batch", "accumulate", "lr", "layer-decay", "weight-decay"];
  const more = [
    "mixup",
    "cutmix",
    "smoothing",
    "jitter",
    "erasing",
    "least-area",
    "drop-path",
    "ema",
    "flip",
    "aug-repeats",
  ];
  const values = [30, 40, 2, 8, 3, 0.5, 0.4, 0.01, 0.1, 0.2, 0.3, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 3];
  const argv = [...numbers, ...more].flatMap((name, i) => [`--${name}`, String(values[i])]);
  const { epochs, scheduleEpochs, warmupEpochs, batch, accumulate, lr, layerDecay, weightDecay, ...rest } =
    finetuneSettings(call(...argv));
  const { mixup, cutmix, smoothing, jitter, erasing, leastArea, dropPath, ema, flip, augRepeats } = rest;
  assert.equal(
    [epochs, scheduleEpochs, warmupEpochs, batch, accumulate, lr, layerDecay, weightDecay].concat([
      ...[mixup, cutmix, smoothing, jitter, erasing, leastArea, dropPath, ema ?? -1, flip, augRepeats],
    ]),
    values,
  );
});

test("what is given counts beside --published", () => {
  const settings = finetuneSettings(call("--recipe", "vit_l", "--published", "--drop-path", "0.3"));
  assert.equal([settings.dropPath, settings.scheduleEpochs], [0.3, 200]);
  refuses(() => finetuneSettings(call("--epochs", "")), ConfigError, '--epochs is "", expected a number');
});

const folder = tempFolder();
imagesIn(join(folder, "train"), 8);
imagesIn(join(folder, "test"), 3);

test("the images of each epoch's accuracy are those of the test, a share held out, others, or none", async () => {
  const open = (...argv: string[]) => openFinetuneSources(call("--data", folder, ...argv), 1);
  const lengths = async (...argv: string[]) => {
    const { train, val, test } = await open(...argv);
    return [train.length, val?.length, test.length];
  };
  assert.equal(await lengths(), [16, 6, 6]);
  assert.equal(await lengths("--val", "none"), [16, undefined, 6]);
  assert.equal(await lengths("--val", "0.25"), [12, 4, 6]);
  assert.equal(await lengths("--val", `${folder}#test@0..2`), [16, 2, 6]);
  assert.equal(await lengths("--share", "0.5"), [8, 6, 6]);
  const { train, val } = await open("--val", "0.25");
  const paths = [train, val!].flatMap((part) => Array.from({ length: part.length }, (_, i) => part.path(i)));
  assert.is(new Set(paths).size, 16, "what is held out is not learned from");
});
