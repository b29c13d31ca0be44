import { constant, uniform, type WeightInit } from "../nn/init.js";
import { Linear } from "../nn/linear.js";
import { derive, Module } from "../nn/module.js";
import { gelu } from "../ops/activation.js";
import { linear } from "../ops/linear.js";
import { l2Normalize, weightNorm } from "../ops/normalize.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";

/** Linear layers with a GELU between them; field names are the even numbers of a published checkpoint (0, 2, 4). */
class HeadMlp extends Module {
  readonly [index: `${number}`]: Linear;

  constructor(sizes: readonly number[], rng: Rng, init: WeightInit) {
    super();
    const layers = sizes.slice(1).map((size, i) => [2 * i, new Linear(sizes[i], size, { rng: rng.fork(i), init })]);
    Object.assign(this, Object.fromEntries(layers));
  }

  /** x [R, in] to [R, out]. */
  forward(x: Tensor): Tensor {
    (Object.values(this) as Linear[]).forEach((layer, i) => {
      x = layer.forward(i === 0 ? x : gelu(x));
    });
    return x;
  }

  /** For features of a narrower network, as views. */
  slice(inFeatures: number): HeadMlp {
    const first = this["0"];
    return derive<HeadMlp>(this, { "0": first.slice(first.weight.shape[0], inFeatures) });
  }
}

/** Prototype directions v [K, d] with lengths g [K, 1]: logits = x·(g·v/‖v‖)ᵀ (weight normalisation; g is trained). */
class Prototypes extends Module {
  readonly weight_g: Tensor;
  readonly weight_v: Tensor;

  constructor(inFeatures: number, count: number, rng: Rng) {
    super();
    this.weight_g = constant([count, 1], 1);
    this.weight_v = uniform([count, inFeatures], 1 / Math.sqrt(inFeatures), rng);
  }

  /** Rows [R, in] to their logits [R, K]. */
  forward(x: Tensor): Tensor {
    return linear(x, weightNorm(this.weight_v, this.weight_g), null);
  }
}

/** Size of the projection heads. */
export interface HeadOptions {
  /** Length of the widest network's feature. */
  inFeatures: number;
  /** Number of prototypes of each head. */
  prototypes: readonly number[];
  hidden: number;
  bottleneck: number;
  layers: number;
  init?: WeightInit;
  rng: Rng;
}

/** ε of the bottleneck's normalisation. */
const NORMALIZE_EPS = 1e-12;

/**
 * Multi projection head (spec §3): per entry of `prototypes` one complete head, in → hidden → … → bottleneck → unit length →
 * K logits. Nothing is shared between heads. Only the first layer is elastic.
 */
export class ProjectionHeads extends Module {
  readonly [name: `mlp${number}`]: HeadMlp;
  readonly [name: `last_layer${number}`]: Prototypes;
  private readonly count: number;

  constructor({ inFeatures, prototypes, hidden, bottleneck, layers, init = "official", rng }: HeadOptions) {
    super();
    const sizes = [inFeatures, ...new Array<number>(layers - 1).fill(hidden), bottleneck];
    const mlps = prototypes.map((_, h) => [`mlp${h}`, new HeadMlp(sizes, rng.fork(h, 0), init)]);
    const last = prototypes.map((k, h) => [`last_layer${h}`, new Prototypes(bottleneck, k, rng.fork(h, 1))]);
    Object.assign(this, Object.fromEntries([...mlps, ...last]));
    this.count = prototypes.length;
  }

  /** Features [R, in] to the logits of each head, [R, K_h]. */
  forward(x: Tensor): Tensor[] {
    return Array.from({ length: this.count }, (_, h) => {
      const bottleneck = l2Normalize(this[`mlp${h}`].forward(x), { eps: NORMALIZE_EPS }); // [R, d]
      return this[`last_layer${h}`].forward(bottleneck);
    });
  }

  /** For features of a narrower network. */
  slice(inFeatures: number): ProjectionHeads {
    const mlps = Array.from({ length: this.count }, (_, h) => [`mlp${h}`, this[`mlp${h}`].slice(inFeatures)]);
    return derive<ProjectionHeads>(this, Object.fromEntries(mlps) as Partial<ProjectionHeads>);
  }
}
