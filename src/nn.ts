/** Layers with parameters, and their slices. */

export { Attention, type AttentionOptions } from "./nn/attention.js";
export { BatchNorm } from "./nn/batch-norm.js";
export { Block, type BlockOptions } from "./nn/block.js";
export { Conv2d, type ConvOptions } from "./nn/conv.js";
export { ConvNorm, type ConvNormOptions } from "./nn/conv-norm.js";
export { Deconv2x2 } from "./nn/deconv.js";
export { type BranchSample, type DropPath, dropPathPerSample, stochasticDepth } from "./nn/drop-path.js";
export { FeaturePyramid, type FeaturePyramidOptions } from "./nn/feature-pyramid.js";
export { GroupNorm } from "./nn/group-norm.js";
export { constant, convWeight, linearWeight, normal, truncatedNormal, uniform, type WeightInit } from "./nn/init.js";
export { LayerScale } from "./nn/layer-scale.js";
export { Linear } from "./nn/linear.js";
export { Mlp } from "./nn/mlp.js";
export { buffer, derive, Module } from "./nn/module.js";
export { LayerNorm } from "./nn/norm.js";
export { NormedPatchEmbed, PatchEmbed, PatchProjection } from "./nn/patch-embed.js";
export { PatchMerging } from "./nn/patch-merging.js";
export { PatchPyramid, type PatchPyramidOptions } from "./nn/patch-pyramid.js";
export { positionFor } from "./nn/pos-embed.js";
export { relativePositionBias, relativePositionIndex } from "./nn/relative-position.js";
export {
  BasicBlock,
  Bottleneck,
  type MapNorm,
  mapNorm,
  type NormChoice,
  ResidualBlock,
  type ResidualBlockOptions,
} from "./nn/residual-block.js";
export { SwinBlock, type SwinBlockOptions } from "./nn/swin-block.js";
export { WindowAttention, type WindowAttentionOptions, WindowMsa } from "./nn/window-attention.js";
export { type WindowLayout, type WindowOptions, windowLayout } from "./ops/window-layout.js";
