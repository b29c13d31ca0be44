/** Backbones whose narrower and shallower versions are views of them. */

export type { Backbone } from "./models/backbone.js";
export { Classifier } from "./models/classifier.js";
export { buildEncoder, type Encoder, sliceEncoder, specOf, trainableCopy } from "./models/encoder.js";
export {
  type Architecture,
  type EncoderSpec,
  type ImageContract,
  networkName,
  type ResnetSpec,
  type SwinSpec,
  type VitSpec,
} from "./models/encoder-spec.js";
export { featureMaps, type MapShape, mapPositions, mapShapes } from "./models/feature-maps.js";
export type { Features, ForwardOptions } from "./models/features.js";
export { ResNet, type ResNetOptions } from "./models/resnet.js";
export { type NetworkSize, sizeOfNetwork } from "./models/size.js";
export { type SwinOptions, SwinStage, SwinTransformer } from "./models/swin.js";
export { VisionTransformer, type VitOptions } from "./models/vit.js";
