/** What frozen features are worth. */

export { leastCostAssignment } from "./eval/assignment.js";
export { type BackgroundFigures, backgroundFigures, foregroundOf, type VariantAnswers } from "./eval/backgrounds.js";
export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval, Resamples } from "./eval/bootstrap.js";
export { type Classification, classify } from "./eval/classify.js";
export { type ClusterFigures, type Clustering, clusterFigures, matchedHits } from "./eval/cluster-metrics.js";
export { averagePrecision } from "./eval/detection/average-precision.js";
export { type DetectedImage, type DetectOptions, detectObjects } from "./eval/detection/detect.js";
export type { Detector } from "./eval/detection/detector.js";
export { type DetectionFigures, detectionFigures } from "./eval/detection/figures.js";
export { cocoMatches, type ScoredImage, vocMatches } from "./eval/detection/match.js";
export { type DetectorStep, type DetectorTrainingOptions, trainDetector } from "./eval/detection/train.js";
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
export { type Latency, type LatencyOptions, measureLatency } from "./eval/latency.js";
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
export { monotonicityViolations, spearman, type Violation } from "./eval/monotonicity.js";
export { paretoFront } from "./eval/pareto.js";
export { occlusion, occlusionGrid, type Perturbation, shuffle } from "./eval/perturbation.js";
export { type Baseline, pixelBaselines, readPixels } from "./eval/pixel-baselines.js";
export { type ProbeReport, type ProbeTrainingOptions, probePlan, trainProbe } from "./eval/probe-training.js";
export { type NetworkFigures, type RankedNetwork, ranked, scoreNetworks } from "./eval/rank.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { type Classifier, knnClassifier, type Recognizer, recognize } from "./eval/robustness.js";
export { sampleGrid } from "./eval/sampled-grid.js";
export { otsuForeground, otsuThreshold } from "./eval/segmentation/otsu.js";
export {
  classIou,
  countPixels,
  type ForegroundScores,
  type PixelCounts,
  type SegmentationScores,
  segmentationScores,
} from "./eval/segmentation/pixel-counts.js";
export { ImageSegmentation, type SegmentedImage, segmentImages } from "./eval/segmentation/segment-images.js";
export { buildSegmenter, type HeadSpec, type Segmenter, segmentationLogits } from "./eval/segmentation/segmenter.js";
export { type SegmenterTrainingOptions, trainSegmenter } from "./eval/segmentation/train-segmenter.js";
export {
  type LabelDraws,
  type SemiDraw,
  type SemiOptions,
  type SemiResult,
  type SemiSources,
  semiSupervised,
} from "./eval/semi.js";
export { type SemiTuningOptions, semiTuned, type TunedDraw } from "./eval/semi-tuning.js";
export { drawLabelled, holdOut, type LabelAmount, stratifiedFolds } from "./eval/stratified.js";
export { fitPca, type Pca, projectOnto } from "./eval/whitened-pca.js";
export { type FinetuneOptions, type Finetuning, finetune } from "./train/finetune.js";
export { asPublished, type FinetuneRecipe, type FinetuneSettings, finetuneRecipes } from "./train/finetune-settings.js";
export { FineTuner, type FinetuneReport } from "./train/finetuner.js";
