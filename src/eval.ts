/** What frozen features are worth. */

export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export { extractFeatures, type FeatureOptions, type SourceFeatures } from "./eval/features.js";
export { drawShots, fewShotAccuracy } from "./eval/few-shot.js";
export { knnAccuracy, knnVote, type LabelledFeatures, topAccuracy } from "./eval/knn.js";
export { rawPixels } from "./eval/raw-pixels.js";
