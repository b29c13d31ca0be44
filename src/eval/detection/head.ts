import { Conv2d } from "../../nn/conv.js";
import { ConvNorm } from "../../nn/conv-norm.js";
import { Module } from "../../nn/module.js";
import { relu } from "../../ops/activation.js";
import { concatRows } from "../../ops/concat.js";
import { fillConstant, fillNormal } from "../../tensor/fill.js";
import { log } from "../../tensor/math.js";
import type { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";
import { groupsFor } from "./pyramid.js";

/** What the classes' probability is at the start, so that the many background points do not drown the first steps. */
const PRIOR = 0.01;
/** Deviation of the last convolutions' weights at the start. */
const LAST_STD = 0.01;
/** Distances to the edges at the start, in strides: half of the square that stands for a point. */
const START_DISTANCE = 4;

/** What the head says of every point, rows as `rowOf` counts them. */
export interface Predictions {
  /** Logits of the classes [R, K]. */
  readonly classes: Tensor;
  /** Distances from the point to the edges, in strides, ≥ 0 [R, 4]: left, top, right, bottom. */
  readonly distances: Tensor;
  /** Logits of the centreness [R, 1]. */
  readonly centreness: Tensor;
}

/** Channels, classes and depth of the towers. */
export interface DetectionHeadOptions {
  channels: number;
  classes: number;
  /** Convolutions of each tower. Default 4. */
  depth?: number;
  rng: Rng;
}

/**
 * One-stage head without anchors, shared by all levels of the pyramid (Tian et al., "FCOS", 2019): a tower of convolutions with
 * group normalisation for the classes, another for box and centreness.
 */
export class DetectionHead extends Module {
  readonly classTower: readonly ConvNorm[];
  readonly boxTower: readonly ConvNorm[];
  readonly classes: Conv2d;
  readonly distances: Conv2d;
  readonly centreness: Conv2d;

  constructor({ channels, classes, depth = 4, rng }: DetectionHeadOptions) {
    super();
    const norm = { norm: "group", groups: groupsFor(channels) } as const;
    const tower = (stream: Rng) =>
      Array.from(
        { length: depth },
        (_, i) => new ConvNorm(channels, channels, { kernel: 3, norm, init: "fan_in", rng: stream.fork(i) }),
      );
    this.classTower = tower(rng.fork(1));
    this.boxTower = tower(rng.fork(2));
    this.classes = last(channels, classes, { bias: -log((1 - PRIOR) / PRIOR), rng: rng.fork(3) });
    this.distances = last(channels, 4, { bias: START_DISTANCE, rng: rng.fork(4) });
    this.centreness = last(channels, 1, { bias: 0, rng: rng.fork(5) });
  }

  /** Channels of the maps that are read. */
  get width(): number {
    return this.classes.weight.shape[1];
  }

  /** Convolutions of each tower. */
  get depth(): number {
    return this.classTower.length;
  }

  /**
   * What each cell of every level predicts.
   *
   * @param levels  maps [B, h, w, channels]
   */
  forward(levels: readonly Tensor[]): Predictions {
    const each = levels.map((map) => {
      const forClasses = this.classTower.reduce((x, layer) => layer.forward(x), map);
      const forBoxes = this.boxTower.reduce((x, layer) => layer.forward(x), map);
      return {
        classes: rows(this.classes.forward(forClasses)),
        distances: rows(relu(this.distances.forward(forBoxes))),
        centreness: rows(this.centreness.forward(forBoxes)),
      };
    });
    return {
      classes: concatRows(each.map(({ classes }) => classes)),
      distances: concatRows(each.map(({ distances }) => distances)),
      centreness: concatRows(each.map(({ centreness }) => centreness)),
    };
  }
}

function last(channels: number, outputs: number, { bias, rng }: { bias: number; rng: Rng }): Conv2d {
  const conv = new Conv2d(channels, outputs, { kernel: 3, padding: 1, bias: true, rng });
  fillNormal(conv.weight, rng, { std: LAST_STD });
  fillConstant(conv.bias!, bias);
  return conv;
}

/** A map [B, h, w, C] as rows [B·h·w, C]. */
function rows(map: Tensor): Tensor {
  return map.reshape([-1, map.shape[3]]);
}
