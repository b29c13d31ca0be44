import { noGrad } from "../../autograd/tape.js";
import type { Backbone } from "../../models/backbone.js";
import { type Encoder, trainableCopy } from "../../models/encoder.js";
import type { EncoderSpec } from "../../models/encoder-spec.js";
import { featureMaps } from "../../models/feature-maps.js";
import { Module } from "../../nn/module.js";
import type { BlockRun } from "../../nn/run-block.js";
import type { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";
import { DetectionHead, type Predictions } from "./head.js";
import { type PyramidPoints, pyramidPoints } from "./points.js";
import { DetectionPyramid } from "./pyramid.js";

/** What a detector is made of. */
export interface DetectorOptions {
  readonly classes: number;
  /** Short side in pixels to which images are brought for detection. */
  readonly shortSide: number;
  /** Channels of the pyramid and the head; default those of the encoder in steps of 32, at least 64, at most 256. */
  readonly width?: number;
  /** Convolutions of each tower of the head. Default 4. */
  readonly towerDepth?: number;
  /** Train the backbone too. Default false: it stays as it is. */
  readonly tuneBackbone?: boolean;
  /** Stochastic depth of the last block of a transformer that is tuned; rates rise linearly from 0 in the first. Default 0.1. */
  readonly dropPathRate?: number;
  readonly rng: Rng;
}

/** Pyramid and head over an encoder. Its parameters are those that are trained here, the backbone's among them if it is tuned. */
export class Detector extends Module {
  /** A copy of the encoder's where it is tuned. */
  readonly backbone: Backbone;
  readonly pyramid: DetectionPyramid;
  readonly head: DetectionHead;
  readonly spec: EncoderSpec;
  readonly tuned: boolean;
  readonly shortSide: number;

  constructor(encoder: Encoder, options: DetectorOptions) {
    super();
    const { backbone, spec } = encoder;
    const { classes, shortSide, towerDepth, tuneBackbone = false, dropPathRate = 0.1, rng } = options;
    this.tuned = tuneBackbone;
    this.backbone = tuneBackbone ? trainableCopy(encoder, { dropPathRate }) : backbone;
    this.backbone.requireGrad(tuneBackbone);
    const channels = options.width ?? Math.min(Math.max(32 * Math.round(backbone.featureDim / 32), 64), 256);
    this.pyramid = new DetectionPyramid(backbone, { shortSide, channels, rng: rng.fork(1) });
    this.head = new DetectionHead({ channels, classes, depth: towerDepth, rng: rng.fork(2) });
    this.spec = spec;
    this.shortSide = shortSide;
  }

  override namedParameters(): [string, Tensor][] {
    return super.namedParameters().filter(([name]) => this.tuned || !name.startsWith("backbone."));
  }

  /** What the sides of images must be multiples of, in pixels. */
  get multiple(): number {
    return this.pyramid.multiple;
  }

  /**
   * What is predicted, and where.
   *
   * @param images  [B, C, H, W], sides multiples of `multiple`
   * @param run  draws of stochastic depth, while a backbone is tuned
   */
  forward(images: Tensor, run: BlockRun = {}): { points: PyramidPoints; predictions: Predictions } {
    const maps = this.tuned
      ? featureMaps(this.backbone, images, run)
      : noGrad(() => featureMaps(this.backbone, images));
    const levels = this.pyramid.forward(maps);
    const { strides } = this.pyramid.plan;
    const points = pyramidPoints(
      levels.map(({ shape: [, height, width] }, i) => ({ stride: strides[i], height, width })),
    );
    return { points, predictions: this.head.forward(levels) };
  }

  /** Gives the memory of what was made here back; an encoder that was not tuned stays. */
  override dispose(): void {
    for (const part of [this.pyramid, this.head, ...(this.tuned ? [this.backbone] : [])]) part.dispose();
  }
}
