/** Sources of images, decoding, batches. Loads a decoder when its format appears. */

export { toChannels } from "./data/channels.js";
export { cifar10, cifar100 } from "./data/cifar.js";
export { type ImageSource, type RawImage, randomSplit, range, type Split, subset } from "./data/dataset.js";
export { decode } from "./data/decode.js";
export { EvalTransform, type EvalTransformOptions } from "./data/eval-transform.js";
export { idxImages } from "./data/idx.js";
export { imageArray } from "./data/image-array.js";
export { imageFolder } from "./data/image-folder.js";
export { imageGlob } from "./data/image-glob.js";
export { imageList } from "./data/image-list.js";
export { type BatchOptions, type BatchStream, batches, type ImageBatch } from "./data/loader.js";
export { memoryCache } from "./data/memory-cache.js";
export { mnist } from "./data/mnist.js";
export { MultiCrop, type MultiCropOptions } from "./data/multi-crop.js";
export { type ParquetOptions, parquetImages } from "./data/parquet.js";
export { openSource, parseSourceSpec } from "./data/source-spec.js";
export { webDataset } from "./data/webdataset.js";
