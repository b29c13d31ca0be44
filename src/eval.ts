/** What frozen features are worth. */

export { leastCostAssignment } from "./eval/assignment.js";
export { type BackgroundFigures, backgroundFigures, foregroundOf, type VariantAnswers } from "./eval/backgrounds.js";
export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export { type ClusterFigures, type Clustering, clusterFigures, matchedHits } from "./eval/cluster-metrics.js";
export { classFeatures, extractFeatures, type FeatureOptions, type SourceFeatures } from "./eval/features.js";
export { drawShots, type FewShotFigures, fewShotAccuracy, fewShotFigures } from "./eval/few-shot.js";
export { type KMeansOptions, type KMeansResult, kMeans, kMeansFrom } from "./eval/kmeans.js";
export {
  type KnnFigures,
  type KnnOptions,
  knnAccuracy,
  knnFigures,
  knnIntervals,
  knnVote,
  type LabelledFeatures,
  topAccuracy,
} from "./eval/knn.js";
export { occlusion, occlusionGrid, type Perturbation, shuffle } from "./eval/perturbation.js";
export { type Baseline, pixelBaselines, readPixels } from "./eval/pixel-baselines.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { type Classifier, knnClassifier, type Recognizer, recognize } from "./eval/robustness.js";
export { fitPca, type Pca, projectOnto } from "./eval/whitened-pca.js";
