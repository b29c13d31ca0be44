/** POA pre-training with a config as an object and images in memory; touches no file. */

export { InvalidConfigError } from "./poa/config-problem.js";
export { type Config, type PartialConfig, resolveConfig } from "./poa/config.js";
export { planRun, type RunPlan, searchSpace } from "./poa/plan.js";
export { presetNames, presets } from "./poa/recipes.js";
export { imageArray } from "./data/image-array.js";
export { type PretrainOptions, type Pretraining, pretrain } from "./train/pretrain.js";
export { type StepReport, Trainer, type TrainerOptions, type TrainerState } from "./train/trainer.js";
