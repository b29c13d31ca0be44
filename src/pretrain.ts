/** POA pre-training with a config as an object and images in memory; touches no file. */

export { imageArray } from "./data/image-array.js";
export { encoderBundle } from "./export/encoder-bundle.js";
export { type Config, type PartialConfig, resolveConfig } from "./poa/config.js";
export { InvalidConfigError } from "./poa/config-problem.js";
export { planRun, type RunPlan, searchSpace } from "./poa/plan.js";
export { presetNames, presets } from "./poa/recipes.js";
export { type Pretraining, type PretrainOptions, pretrain } from "./train/pretrain.js";
export { type StepReport, Trainer, type TrainerOptions, type TrainerState } from "./train/trainer.js";
