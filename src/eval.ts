/** What frozen features are worth. */

export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from "./eval/bootstrap.js";
export { averagePrecision } from "./eval/detection/average-precision.js";
export { type DetectedImage, type DetectOptions, detectObjects } from "./eval/detection/detect.js";
export type { Detector } from "./eval/detection/detector.js";
export { type DetectionFigures, detectionFigures } from "./eval/detection/figures.js";
export { cocoMatches, type ScoredImage, vocMatches } from "./eval/detection/match.js";
export { type DetectorStep, type DetectorTrainingOptions, trainDetector } from "./eval/detection/train.js";
export { extractFeatures, type FeatureOptions, type SourceFeatures } from "./eval/features.js";
export { drawShots, fewShotAccuracy } from "./eval/few-shot.js";
export { knnAccuracy, knnVote, type LabelledFeatures, topAccuracy } from "./eval/knn.js";
export { rawPixels } from "./eval/raw-pixels.js";
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
