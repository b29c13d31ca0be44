import type { ImageSource } from "../data/dataset.js";
import { splitByLabel } from "../data/label-share.js";
import { openSource } from "../data/source-spec.js";
import { ConfigError } from "../errors.js";
import {
  asPublished,
  checkFinetuneSettings,
  type FinetuneRecipe,
  type FinetuneSettings,
  finetuneRecipes,
} from "../train/finetune-settings.js";
import type { Call, Option } from "./command.js";
import { recipeSeedOption } from "./common-options.js";
import { openBankAndQueries } from "./labelled-data.js";

/** Options that are a number of the settings. */
const numbers = {
  epochs: ["epochs", "passes over the images; may be a fraction"],
  "schedule-epochs": ["scheduleEpochs", "epochs that the cosine is laid over (else --epochs)"],
  warmup: ["warmupEpochs", "epochs of the rising learning rate (else a tenth)"],
  batch: ["batch", "images of a micro-batch"],
  accumulate: ["accumulate", "micro-batches per step"],
  lr: ["lr", "peak learning rate"],
  "layer-decay": ["layerDecay", "rate of a layer as a share of that of the layer above"],
  "weight-decay": ["weightDecay", "of AdamW; biases, norms, positions and class token have none"],
  mixup: ["mixup", "parameter of mixup's Beta distribution; 0 = off"],
  cutmix: ["cutmix", "the same for CutMix"],
  smoothing: ["smoothing", "label smoothing"],
  jitter: ["jitter", "colour jitter; not together with RandAugment"],
  erasing: ["erasing", "probability of random erasing"],
  "least-area": ["leastArea", "least area of a crop as a share of the image"],
  flip: ["flip", "probability of mirroring left and right; 0 for digits and letters"],
  "drop-path": ["dropPath", "stochastic depth of the last block of a transformer"],
  "aug-repeats": [
    "augRepeats",
    "times that an image is augmented for a batch; an epoch then sees as many times fewer images",
  ],
  ema: ["ema", "momentum of a moving average of the weights, evaluated too"],
} as const satisfies Record<string, readonly [keyof FinetuneSettings, string]>;

const HIDDEN = 2048;

/** Names of the recipes, in brief. */
const RECIPES =
  "small, semi, vit_{s,b,l}, swin_{t,s,b}, resnet_{50,101,152}, {cifar10,cifar100,inat18,inat19,flowers,cars}_{s,b}";

/** Options of `finetune` that make up its settings. */
export const settingsOptions: Readonly<Record<string, Option>> = {
  recipe: {
    value: "NAME",
    about: `settings to start from: ${RECIPES}`,
    fallback: "small",
  },
  published: { about: "as the published code ran: no drop path, the cosine laid over 200 epochs" },
  ...Object.fromEntries(Object.entries(numbers).map(([name, [, about]]) => [name, { value: "X", about }])),
  randaugment: { value: "POLICY|none", about: "RandAugment in timm's notation: m9-mstd0.5-inc1" },
  head: {
    value: "linear|projection",
    about: `classifier; projection has a hidden layer, that of the run's head or of ${HIDDEN}`,
  },
  seed: recipeSeedOption,
  recompute: { about: "run blocks of a transformer again in the backward pass, for less memory" },
};

/**
 * Settings from a recipe and the options laid over it.
 *
 * @param verb  for messages
 * @param usual  the recipe where the call names none
 * @throws ConfigError for an unknown recipe and for everything out of range
 */
export function finetuneSettings(
  call: Call,
  { verb = "finetune", usual = "small" }: { verb?: string; usual?: FinetuneRecipe } = {},
): FinetuneSettings {
  const recipe = call.text("recipe") ?? usual;
  if (!Object.hasOwn(finetuneRecipes, recipe)) {
    throw new ConfigError(
      `${verb}: there is no recipe ${JSON.stringify(recipe)}. There are ${Object.keys(finetuneRecipes).join(", ")}.`,
    );
  }
  const given: { -readonly [K in keyof FinetuneSettings]?: FinetuneSettings[K] } = {};
  for (const [option, [key]] of Object.entries(numbers)) {
    const value = numberOf(call, option, verb);
    if (value !== undefined) given[key] = value;
  }
  const [policy, head, seed] = [call.text("randaugment"), call.text("head"), call.integer("seed")];
  if (policy !== undefined) given.randAugment = policy === "none" ? null : policy;
  if (head !== undefined) given.hidden = hiddenOf(head, verb);
  if (seed !== undefined) given.seed = seed;
  if (call.flag("recompute")) given.recompute = true;
  const base: FinetuneSettings = finetuneRecipes[recipe as FinetuneRecipe];
  const meant: FinetuneSettings = { ...base, ...given };
  const settings = call.flag("published") ? { ...asPublished(meant), ...given } : meant;
  checkFinetuneSettings(settings);
  return settings;
}

function hiddenOf(head: string, verb: string): number {
  if (head === "linear") return 0;
  if (head === "projection") return HIDDEN;
  throw new ConfigError(`${verb}: --head is ${JSON.stringify(head)}, expected linear or projection.`);
}

function numberOf(call: Call, option: string, verb = "finetune"): number | undefined {
  const text = call.text(option);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new ConfigError(`${verb}: --${option} is ${JSON.stringify(text)}, expected a number.`);
}

/** Options of `finetune` that name its images. */
export const sourceOptions: Readonly<Record<string, Option>> = {
  data: {
    value: "SPEC",
    about: "labelled images; without #split, train is learned from and test is asked about at the end",
  },
  test: { value: "SPEC", about: "the images that are asked about, if they stand elsewhere" },
  val: {
    value: "SPEC|SHARE|none",
    about:
      "images of the accuracy after each epoch; a share is held out of those that are learned from (default: the test images)",
  },
  share: { value: "X", about: "learn from this share of the labels of each class, such as 0.01" },
};

/** Images to learn from, those of the accuracy after each epoch (null for none), and those that are asked about at the end. */
export interface FinetuneSources {
  readonly train: ImageSource;
  readonly val: ImageSource | null;
  readonly test: ImageSource;
}

/**
 * Opens the images of a fine-tuning.
 *
 * @throws ConfigError, DataError as `openBankAndQueries`; ConfigError for a share that is none
 */
export async function openFinetuneSources(call: Call, seed: number): Promise<FinetuneSources> {
  const { bank, queries } = await openBankAndQueries("finetune", {
    data: call.required("data"),
    test: call.text("test"),
  });
  const share = shareOf(call, "share") ?? 1;
  const train = share === 1 ? bank : splitByLabel(bank, share, seed)[0];
  const val = call.text("val");
  if (val === undefined) return { train, val: queries, test: queries };
  if (val === "none") return { train, val: null, test: queries };
  if (!Number.isNaN(Number(val))) {
    const [held, rest] = splitByLabel(train, shareOf(call, "val")!, seed + 1);
    return { train: rest, val: held, test: queries };
  }
  const source = await openSource(val, { split: "test" });
  if (source.classes.join("\n") !== train.classes.join("\n"))
    throw new ConfigError(`finetune: --val ${val} has other classes than --data. Sort it into the same folders.`);
  return { train, val: source, test: queries };
}

function shareOf(call: Call, option: string): number | undefined {
  const value = numberOf(call, option);
  if (value === undefined || (value > 0 && value <= 1)) return value;
  throw new ConfigError(`finetune: --${option} is ${value}, expected a share above 0, at most 1.`);
}
