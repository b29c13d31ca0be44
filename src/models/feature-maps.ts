import type { BlockRun } from "../nn/run-block.js";
import { contiguous } from "../ops/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import { architectureOf } from "./architecture.js";
import type { Backbone } from "./backbone.js";
import { VisionTransformer } from "./vit.js";

/** How many maps a dense task takes from a backbone. */
const LEVELS = 4;
/** Image pixels along a side per pixel after the stem of a ResNet. */
const STEM_STRIDE = 4;

/** The shape of one of a backbone's feature maps. */
export interface MapShape {
  readonly channels: number;
  /** Side in pixels of the part of the image that a cell stands for. */
  readonly stride: number;
}

/**
 * The blocks of a ViT, counted from 0, whose tokens dense tasks read: 3, 5, 7 and 11 of 12 (spec §7.6), and those in the
 * same places of other depths. A network of fewer than four blocks names some of them twice.
 */
export function mapPositions(depth: number): number[] {
  return [4, 6, 8, 12].map((end) => Math.max(Math.round((end * depth) / 12) - 1, 0));
}

/** What `featureMaps` returns for any image, finest first; a ViT's maps are of one stride. @throws FormatError for other backbones */
export function mapShapes(backbone: Backbone): MapShape[] {
  const spec = architectureOf(backbone);
  switch (spec.family) {
    case "vit":
      return Array.from({ length: LEVELS }, () => ({ channels: spec.width, stride: spec.patchSize }));
    case "swin":
      return Array.from({ length: LEVELS }, (_, s) => ({
        channels: spec.width * 2 ** s,
        stride: spec.patchSize * 2 ** s,
      }));
    case "resnet":
      return spec.strides.map((_, s) => ({
        channels: spec.outChannels * 2 ** s,
        stride: spec.strides.slice(0, s + 1).reduce((product, stride) => product * stride, STEM_STRIDE),
      }));
  }
}

/**
 * The four feature maps that dense tasks read, channels last: of a ViT the patch tokens of four blocks, each through the last
 * norm; of a Swin or ResNet the maps of its stages.
 *
 * @param images  [B, C, H, W]; sides of a ViT's or Swin's are multiples of the patch size
 * @param run  draws of stochastic depth, while the backbone is trained
 * @returns four maps [B, h, w, c], dense, shapes as `mapShapes` says with h = ⌈H / stride⌉
 * @throws ShapeError for images that do not fit, FormatError for other backbones
 */
export function featureMaps(backbone: Backbone, images: Tensor, run: BlockRun = {}): Tensor[] {
  const [batch, , height, width] = images.shape;
  const positions = backbone instanceof VisionTransformer ? mapPositions(backbone.depth) : [0, 1, 2, 3];
  const distinct = [...new Set(positions)];
  const taken = backbone.intermediate(images, distinct, run);
  return mapShapes(backbone).map(({ channels, stride }, level) => {
    const { patchTokens } = taken[distinct.indexOf(positions[level])];
    return contiguous(patchTokens).reshape([batch, Math.ceil(height / stride), Math.ceil(width / stride), channels]);
  });
}
