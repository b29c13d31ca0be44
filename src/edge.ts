/** Encoders where they are used: a bundle in, features of pixels out; without files, packages or training. */

export {
  type AttentionMaps,
  EdgeEncoder,
  type EdgeImage,
  type EdgeOptions,
  loadEncoder,
  type Prediction,
} from "./edge/encoder.js";
export type { BundleSource } from "./edge/source.js";
export * from "./errors.js";
