/** Sources of images, decoding, batches. Loads a decoder when its format appears. */

export { toChannels } from "./data/channels.js";
export { type CheckOptions, checkSource, type Finding, type SourceReport } from "./data/check-source.js";
export { cifar10, cifar100 } from "./data/cifar.js";
export { type CocoOptions, coco } from "./data/coco.js";
export {
  type ImageSource,
  type RawImage,
  randomSplit,
  randomSubset,
  range,
  type Split,
  subset,
} from "./data/dataset.js";
export { decode } from "./data/decode.js";
export {
  type Box,
  type DetectionObject,
  type DetectionSource,
  detectionRange,
  withCommonClasses,
} from "./data/detection.js";
export { openDetectionPair, parseDetectionSpec } from "./data/detection-spec.js";
export { encodePng } from "./data/encode-png.js";
export { EvalTransform, type EvalTransformOptions } from "./data/eval-transform.js";
export { idxImages } from "./data/idx.js";
export { imageArray } from "./data/image-array.js";
export { imageFiles } from "./data/image-files.js";
export { imageFolder } from "./data/image-folder.js";
export { imageGlob } from "./data/image-glob.js";
export { imageList } from "./data/image-list.js";
export { splitByLabel } from "./data/label-share.js";
export { type LabelledImage, splitLabels, withLabels } from "./data/labelled-image.js";
export { type BatchOptions, type BatchStream, batches, type ImageBatch } from "./data/loader.js";
export { IGNORED, type MaskMeaning, surveyMasks } from "./data/mask-meaning.js";
export { memoryCache } from "./data/memory-cache.js";
export { drawMix, type Mix, type MixPolicy, mixImages, mixTargets } from "./data/mixup.js";
export { mnist } from "./data/mnist.js";
export { MultiCrop, type MultiCropOptions } from "./data/multi-crop.js";
export { type ParquetOptions, parquetImages } from "./data/parquet.js";
export { type PascalVocOptions, pascalVoc, type VocSplit } from "./data/pascal-voc.js";
export { drawRandAugment, type ImageOperation, parseRandAugment, type RandAugmentPolicy } from "./data/rand-augment.js";
export { type MaskPair, openMaskPairs, segmentationSource } from "./data/segmentation.js";
export { openSource, parseSourceSpec } from "./data/source-spec.js";
export { TrainTransform, type TrainTransformOptions } from "./data/train-transform.js";
export { webDataset } from "./data/webdataset.js";
