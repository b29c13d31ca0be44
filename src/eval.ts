/** What features are worth, frozen or fine-tuned. */

export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export { type Classification, classify } from "./eval/classify.js";
export { extractFeatures, type FeatureNetwork, type FeatureOptions, type SourceFeatures } from "./eval/features.js";
export { drawShots, fewShotAccuracy } from "./eval/few-shot.js";
export { knnAccuracy, knnVote, type LabelledFeatures, topAccuracy } from "./eval/knn.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { type FinetuneOptions, type Finetuning, finetune } from "./train/finetune.js";
export { asPublished, type FinetuneRecipe, type FinetuneSettings, finetuneRecipes } from "./train/finetune-settings.js";
export { FineTuner, type FinetuneReport } from "./train/finetuner.js";
