import { gelu } from "../ops/activation.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import type { WeightInit } from "./init.js";
import { Linear } from "./linear.js";
import { derive, Module } from "./module.js";

/** Two linear layers with a GELU between them. */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;

  constructor(
    width: number,
    hidden: number,
    { rng, bias = true, init = "official" }: { rng: Rng; bias?: boolean; init?: WeightInit },
  ) {
    super();
    this.fc1 = new Linear(width, hidden, { rng: rng.fork(1), bias, init });
    this.fc2 = new Linear(hidden, width, { rng: rng.fork(2), bias, init });
  }

  /** x [..., width] to [..., width]. */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(gelu(this.fc1.forward(x)));
  }

  /** The first `width` channels and `hidden` hidden ones, as views. */
  slice(width: number, hidden: number): Mlp {
    return derive<Mlp>(this, { fc1: this.fc1.slice(hidden, width), fc2: this.fc2.slice(width, hidden) });
  }
}
