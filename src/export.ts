/** Encoders as files. */

export { readCheckpoint } from "./export/checkpoint-tensors.js";
export { type LabelledClassifier, readClassifier, writeClassifier } from "./export/classifier-file.js";
export { type LabelledDetector, readDetector, writeDetector } from "./export/detector-file.js";
export type { BundleDType, ExportDType } from "./export/dtype.js";
export { type BundleOptions, encoderBundle } from "./export/encoder-bundle.js";
export { readEncoder, writeEncoder } from "./export/encoder-file.js";
export type { Provenance } from "./export/encoder-metadata.js";
export { type ExtractedFile, extractNetwork } from "./export/extract.js";
export { type ImportedEncoder, importEncoder } from "./export/import-encoder.js";
export { type ImportedState, type ImportOptions, importState } from "./export/import-state.js";
export { readWeights } from "./export/initial-weights.js";
export { type Manifest, type ManifestEntry, writeManifest } from "./export/manifest.js";
export { type Family, fromOfficial, toOfficial } from "./export/names.js";
export type { Names } from "./export/namings.js";
export { encoderToOnnx, type OnnxOptions } from "./export/onnx/model.js";
export { type OnnxImages, runOnnx } from "./export/onnx/run.js";
export { type StockState, toPublished, toTimm, toTorchvision } from "./export/stock.js";
export type { StoredBank, StoredHead } from "./models/stored-classifier.js";
