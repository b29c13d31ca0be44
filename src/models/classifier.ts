import { ShapeError } from "../errors.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { gelu } from "../ops/activation.js";
import { add } from "../ops/elementwise.js";
import { linear } from "../ops/linear.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Backbone } from "./backbone.js";
import type { ForwardOptions } from "./features.js";
import { ResNet } from "./resnet.js";

/** Stages of a ResNet whose means are read, counted from 0. */
const RESNET_STAGES = [1, 2, 3];

/** Linear to a hidden layer, GELU, linear to classes: the head that few labels are learned with (spec §7.3). */
export class ProjectionClassifier extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;

  constructor(inFeatures: number, hidden: number, classes: number, rng: Rng) {
    super();
    this.fc1 = new Linear(inFeatures, hidden, { rng: rng.fork(1) });
    this.fc2 = new Linear(hidden, classes, { rng: rng.fork(2) });
  }
}

/**
 * A backbone with a classifier on what fine-tuning reads (spec §7.3): the class feature, in a ResNet the means of stages 2 to 4,
 * joined.
 */
export class Classifier extends Module {
  readonly backbone: Backbone;
  readonly head: Linear | ProjectionClassifier;

  /**
   * @param backbone  becomes part of this module
   * @param options.classes  number of logits
   * @param options.hidden  length of a hidden layer of the head; 0 = none
   */
  constructor(backbone: Backbone, { classes, hidden = 0, rng }: { classes: number; hidden?: number; rng: Rng }) {
    super();
    if (!(classes >= 1)) throw new ShapeError(`classifier: ${classes} classes, expected at least one.`);
    this.backbone = backbone;
    const length = pooledLength(backbone);
    this.head =
      hidden > 0 ? new ProjectionClassifier(length, hidden, classes, rng) : new Linear(length, classes, { rng });
  }

  /** Number of classes. */
  get classes(): number {
    const last = this.head instanceof Linear ? this.head : this.head.fc2;
    return last.weight.shape[0];
  }

  /**
   * @param images  [B, C, H, W]
   * @param options  drop path and recomputing, for training; those of a ResNet are not used
   * @returns logits [B, classes]
   */
  forward(images: Tensor, options: ForwardOptions = {}): Tensor {
    const parts = pooledParts(this.backbone, images, options);
    if (this.head instanceof Linear) return linearOfParts(this.head, parts);
    return this.head.fc2.forward(gelu(linearOfParts(this.head.fc1, parts)));
  }
}

/** Length of the feature that a classifier of this backbone reads. */
export function pooledLength(backbone: Backbone): number {
  const last = backbone.featureDim;
  return backbone instanceof ResNet ? last / 4 + last / 2 + last : last;
}

/** The parts of that feature, each [B, F_k]. */
function pooledParts(backbone: Backbone, images: Tensor, options: ForwardOptions): Tensor[] {
  if (!(backbone instanceof ResNet)) return [backbone.classToken(images, options)];
  return backbone.intermediate(images, RESNET_STAGES).map(({ classToken }) => classToken);
}

/** A linear layer on parts joined along their last axis: the sum of a layer on each part. */
function linearOfParts({ weight, bias }: Linear, parts: readonly Tensor[]): Tensor {
  let from = 0;
  const products = parts.map((part, i) => {
    const length = part.shape[1];
    const product = linear(part, weight.narrow(1, from, length), i === 0 ? bias : null);
    from += length;
    return product;
  });
  return products.reduce((sum, product) => add(sum, product));
}
