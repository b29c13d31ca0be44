/** Encoders as files. */

export { readEncoder, writeEncoder } from "./export/encoder-file.js";
export type { Provenance } from "./export/encoder-metadata.js";
export { type ExtractedFile, extractNetwork } from "./export/extract.js";
export { readWeights } from "./export/initial-weights.js";
export { type Manifest, type ManifestEntry, writeManifest } from "./export/manifest.js";
export { fromOfficial, toOfficial } from "./export/names.js";
export { toTimm, toTorchvision } from "./export/torchvision.js";
