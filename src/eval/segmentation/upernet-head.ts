import type { MapShape } from "../../models/feature-maps.js";
import { ConvNorm } from "../../nn/conv-norm.js";
import { FeaturePyramid } from "../../nn/feature-pyramid.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { PatchPyramid } from "../../nn/patch-pyramid.js";
import { PyramidPooling } from "../../nn/pyramid-pooling.js";
import type { NormChoice } from "../../nn/residual-block.js";
import { resizeBilinear } from "../../ops/bilinear.js";
import { concatColumns } from "../../ops/concat.js";
import type { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";

/** Patch size for which maps grow to 4, 2, 1 and ½ times the patch grid; with smaller patches they grow less. */
const USUAL_PATCH = 16;

/** Channels of a group that is normalised together, where they divide evenly. */
const GROUP = 8;

/** Groups of channels of each image, since a batch on a CPU has too few images for statistics of its one-pixel means. */
const normOf = (channels: number): NormChoice => ({
  norm: "group",
  groups: channels % GROUP === 0 ? channels / GROUP : 1,
});

/**
 * UPerNet (Xiao et al., 2018): pyramid pooling of the coarsest map, a feature pyramid over all, and a convolution over its
 * maps side by side. The maps of a ViT, of one size, are made a pyramid first (spec §7.6).
 */
export class UperNetHead extends Module {
  readonly patches: PatchPyramid | null;
  readonly pooling: PyramidPooling;
  readonly pyramid: FeaturePyramid;
  readonly fuse: ConvNorm;
  readonly classifier: Linear;

  /** @param options.channels  of every map within the head */
  constructor(shapes: readonly MapShape[], classes: number, { channels, rng }: { channels: number; rng: Rng }) {
    super();
    const norm = normOf(channels);
    const widths = shapes.map((shape) => shape.channels);
    this.patches = patchPyramid(shapes, rng.fork(1));
    this.pooling = new PyramidPooling(widths[widths.length - 1], channels, { norm, rng: rng.fork(2) });
    const inputs = [...widths.slice(0, -1), channels];
    this.pyramid = new FeaturePyramid(inputs, { channels, norm, relu: true, rng: rng.fork(3) });
    this.fuse = new ConvNorm(inputs.length * channels, channels, { kernel: 3, norm, init: "fan_in", rng: rng.fork(4) });
    this.classifier = new Linear(channels, classes, { rng: rng.fork(5) });
  }

  /** Maps [B, h, w, c], finest first, to logits [B, h, w, classes] of the finest map of the pyramid. */
  forward(maps: readonly Tensor[]): Tensor {
    const sized = this.patches?.forward(maps) ?? maps;
    const last = sized.length - 1;
    const levels = this.pyramid.forward([...sized.slice(0, last), this.pooling.forward(sized[last])]);
    const [, height, width] = levels[0].shape;
    const joined = concatColumns(levels.map((level) => resizeBilinear(level, height, width)));
    return this.classifier.forward(this.fuse.forward(joined));
  }
}

/** What makes maps of one size a pyramid; null where they are one already. */
function patchPyramid(shapes: readonly MapShape[], rng: Rng): PatchPyramid | null {
  const [{ channels, stride }] = shapes;
  if (shapes.some((shape) => shape.stride !== stride)) return null;
  const finest = 2 ** Math.round(Math.log2(stride / USUAL_PATCH));
  return new PatchPyramid(channels, {
    scales: [4, 2, 1, 0.5].map((scale) => scale * finest),
    norm: normOf(channels),
    rng,
  });
}
