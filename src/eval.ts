/** What frozen features are worth. */

export { leastCostAssignment } from "./eval/assignment.js";
export { type BackgroundFigures, backgroundFigures, foregroundOf, type VariantAnswers } from "./eval/backgrounds.js";
export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export { type Classification, classify } from "./eval/classify.js";
export { type ClusterFigures, type Clustering, clusterFigures, matchedHits } from "./eval/cluster-metrics.js";
export {
  classFeatures,
  extractFeatures,
  extractRows,
  type FeatureNetwork,
  type FeatureOptions,
  type FeatureReader,
  type SourceFeatures,
} from "./eval/features.js";
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
export {
  type ChosenClassifier,
  type ClassifierScore,
  LinearEvaluation,
  type LinearOptions,
  type LinearResult,
  type LinearSources,
} from "./eval/linear-evaluation.js";
export { type LinearHead, linearRecognizer } from "./eval/linear-head.js";
export { type LinearInput, LinearInputs, probePositions } from "./eval/linear-inputs.js";
export {
  LinearProbe,
  type LinearProbeOptions,
  PROBE_LEARNING_RATES,
  type ProbeClassifier,
} from "./eval/linear-probe.js";
export { chooseLogistic, type LabelledRows, LOGISTIC_LAMBDAS, rightAnswers } from "./eval/logistic-choice.js";
export type { LogisticModel, LogisticOptions } from "./eval/logistic-problem.js";
export { fitLogistic, type LogisticFit, predictLogistic } from "./eval/logistic-regression.js";
export { occlusion, occlusionGrid, type Perturbation, shuffle } from "./eval/perturbation.js";
export { type Baseline, pixelBaselines, readPixels } from "./eval/pixel-baselines.js";
export { type ProbeReport, type ProbeTrainingOptions, probePlan, trainProbe } from "./eval/probe-training.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { type Classifier, knnClassifier, type Recognizer, recognize } from "./eval/robustness.js";
export { type SemiDraw, type SemiOptions, type SemiResult, semiSupervised } from "./eval/semi.js";
export { drawLabelled, holdOut, type LabelAmount, stratifiedFolds } from "./eval/stratified.js";
export { fitPca, type Pca, projectOnto } from "./eval/whitened-pca.js";
export { type FinetuneOptions, type Finetuning, finetune } from "./train/finetune.js";
export { asPublished, type FinetuneRecipe, type FinetuneSettings, finetuneRecipes } from "./train/finetune-settings.js";
export { FineTuner, type FinetuneReport } from "./train/finetuner.js";
