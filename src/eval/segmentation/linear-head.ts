import type { MapShape } from "../../models/feature-maps.js";
import { Linear } from "../../nn/linear.js";
import { Module } from "../../nn/module.js";
import { resizeBilinear } from "../../ops/bilinear.js";
import { add } from "../../ops/elementwise.js";
import { linear } from "../../ops/linear.js";
import type { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";

/**
 * One linear layer over the four maps, joined at the size of the finest (spec §7.6). A linear layer and a bilinear resize can
 * change places, so each map is classified at its own size, and few classes are resized instead of many channels.
 */
export class LinearHead extends Module {
  readonly classifier: Linear;
  readonly channels: readonly number[];

  constructor(shapes: readonly MapShape[], classes: number, rng: Rng) {
    super();
    this.channels = shapes.map(({ channels }) => channels);
    const all = this.channels.reduce((sum, count) => sum + count, 0);
    this.classifier = new Linear(all, classes, { rng });
  }

  /** Maps [B, h, w, c], finest first, to logits [B, h, w, classes] of the finest one's size. */
  forward(maps: readonly Tensor[]): Tensor {
    const { weight, bias } = this.classifier;
    const [, height, width] = maps[0].shape;
    let column = 0;
    return maps
      .map((map, i) => {
        const part = weight.narrow(1, column, this.channels[i]);
        column += this.channels[i];
        return resizeBilinear(linear(map, part, i === 0 ? bias : null), height, width);
      })
      .reduce(add);
  }
}
