import { scope } from "../../autograd/tape.js";
import type { Encoder } from "../../models/encoder.js";
import { featureMaps, mapShapes } from "../../models/feature-maps.js";
import type { Module } from "../../nn/module.js";
import type { BlockRun } from "../../nn/run-block.js";
import { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";
import { LinearHead } from "./linear-head.js";
import { UperNetHead } from "./upernet-head.js";

/** Keeps the head's start apart from other uses of a seed: "segm" in ASCII. */
const STREAM = 0x7365676d;

/** What a segmentation head is, apart from its weights. */
export interface HeadSpec {
  readonly kind: "linear" | "upernet";
  readonly classes: number;
  /** Of the maps within an UPerNet; a linear head has none. */
  readonly channels: number;
}

/** A module from feature maps to logits. */
export interface SegmentationHead extends Module {
  /** Maps [B, h, w, c], finest first, to logits [B, h', w', classes] */
  forward(maps: readonly Tensor[]): Tensor;
}

/** An encoder with a head that tells the class of each pixel. */
export interface Segmenter {
  readonly encoder: Encoder;
  readonly spec: HeadSpec;
  readonly head: SegmentationHead;
}

/** A segmenter with a new head, a function of the seed. */
export function buildSegmenter(encoder: Encoder, spec: HeadSpec, seed = 0): Segmenter {
  const shapes = mapShapes(encoder.backbone);
  const rng = new Rng(seed, STREAM);
  const head =
    spec.kind === "linear"
      ? new LinearHead(shapes, spec.classes, rng)
      : new UperNetHead(shapes, spec.classes, { channels: spec.channels, rng });
  return { encoder, spec, head };
}

/**
 * Logits of each class, at the size that the head works at.
 *
 * @param images  normalised [B, C, H, W]
 * @param run  draws of stochastic depth, while the backbone is trained
 * @returns [B, h, w, classes]
 */
export function segmentationLogits(
  { encoder: { backbone }, head }: Segmenter,
  images: Tensor,
  run: BlockRun = {},
): Tensor {
  const maps = () => featureMaps(backbone, images, run);
  const frozen = backbone.parameters().every(({ tracked }) => !tracked);
  return head.forward(frozen ? scope(maps) : maps());
}
