import type { Tensor } from "../tensor/tensor.js";
import { constant } from "./init.js";
import { derive, Module } from "./module.js";

/** A trained factor per channel on a residual branch (Touvron et al., CaiT, 2021). Applied by the residual op. */
export class LayerScale extends Module {
  readonly gamma: Tensor;

  constructor(width: number, start: number) {
    super();
    this.gamma = constant([width], start);
  }

  /** The first `width` factors, as views. */
  slice(width: number): LayerScale {
    return derive<LayerScale>(this, { gamma: this.gamma.narrow(0, 0, width) });
  }
}
