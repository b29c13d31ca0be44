/** What frozen features are worth. */

export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval, Resamples } from "./eval/bootstrap.js";
export { extractFeatures, type FeatureOptions, type SourceFeatures } from "./eval/features.js";
export { drawShots, fewShotAccuracy } from "./eval/few-shot.js";
export { knnAccuracy, knnVote, type LabelledFeatures, topAccuracy } from "./eval/knn.js";
export { type Latency, type LatencyOptions, measureLatency } from "./eval/latency.js";
export { monotonicityViolations, spearman, type Violation } from "./eval/monotonicity.js";
export { paretoFront } from "./eval/pareto.js";
export { type NetworkFigures, type RankedNetwork, ranked, scoreNetworks } from "./eval/rank.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { sampleGrid } from "./eval/sampled-grid.js";
