/** What frozen features are worth. */

export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export {
  extractFeatures,
  extractRows,
  type FeatureOptions,
  type FeatureReader,
  type SourceFeatures,
} from "./eval/features.js";
export { drawShots, fewShotAccuracy } from "./eval/few-shot.js";
export { knnAccuracy, knnVote, type LabelledFeatures, topAccuracy } from "./eval/knn.js";
export {
  type ChosenClassifier,
  type ClassifierScore,
  LinearEvaluation,
  type LinearOptions,
  type LinearResult,
  type LinearSources,
} from "./eval/linear-evaluation.js";
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
export { type ProbeReport, type ProbeTrainingOptions, probePlan, trainProbe } from "./eval/probe-training.js";
export { rawPixels } from "./eval/raw-pixels.js";
export { type SemiDraw, type SemiOptions, type SemiResult, semiSupervised } from "./eval/semi.js";
export { drawLabelled, holdOut, type LabelAmount, stratifiedFolds } from "./eval/stratified.js";
