import { linear } from "../ops/linear.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { linearBias, linearWeight, type WeightInit } from "./init.js";
import { derive, Module } from "./module.js";
import { type ScaledLayer, scaleOfSlice } from "./slice-scale.js";

/** y = inputScale · x·Wᵀ + b.  W [out, in], b [out]; a slice of a grouped layer has W [g, out, in] and b [g, out], or W [out, g, in]. */
export class Linear extends Module implements ScaledLayer {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  /** Keeps activations of a slice at the scale of the full layer: full inputs / active inputs. */
  readonly inputScale: number;
  /** Whether slices do so. */
  readonly sliceScale: boolean;
  /** What a weight with three axes groups. */
  readonly groups: "outputs" | "inputs";

  /**
   * @param inFeatures  length of an input row
   * @param outFeatures  length of an output row
   * @param options.rng  source of the initial weights
   */
  constructor(
    inFeatures: number,
    outFeatures: number,
    { rng, bias = true, init = "official" }: { rng: Rng; bias?: boolean; init?: WeightInit },
  ) {
    super();
    this.weight = linearWeight([outFeatures, inFeatures], init, rng);
    this.bias = bias ? linearBias([outFeatures, inFeatures], init, rng) : null;
    this.inputScale = 1;
    this.sliceScale = true;
    this.groups = "outputs";
  }

  /** x [..., in] to [..., out]. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, { inputScale: this.inputScale, groups: this.groups });
  }

  /** Folds the rescaling into the weight and groups into rows or columns, so that an ordinary layer remains. */
  override materialize(): this {
    const dense = super.materialize();
    const { weight, bias } = dense;
    const scale = Math.fround(this.inputScale); // as the product's kernel takes it
    if (scale !== 1) weight.write(weight.toArray().map((w) => w * scale));
    const { shape } = weight;
    const dense2d = this.groups === "inputs" ? [shape[0], -1] : [-1, shape[shape.length - 1]];
    return derive<this>(dense, {
      weight: weight.reshape(dense2d),
      bias: bias?.reshape([-1]) ?? null,
      inputScale: 1,
    } as Partial<this>);
  }

  /** The first `out` rows and `input` columns, as views. */
  slice(out: number, input: number): Linear {
    return derive<Linear>(this, {
      weight: this.weight.narrow(0, 0, out).narrow(1, 0, input),
      bias: this.bias?.narrow(0, 0, out) ?? null,
      inputScale: scaleOfSlice(this, this.weight.shape[1] / input),
    });
  }

  /** The first `out` rows of each of `groups` equal row groups (q, k and v), and the first `input` columns. */
  sliceGroups(groups: number, out: number, input: number): Linear {
    const inFeatures = this.weight.shape[this.weight.shape.length - 1];
    return derive<Linear>(this, {
      weight: this.weight.reshape([groups, -1, inFeatures]).narrow(1, 0, out).narrow(2, 0, input),
      bias: this.bias?.reshape([groups, -1]).narrow(1, 0, out) ?? null,
      inputScale: scaleOfSlice(this, inFeatures / input),
    });
  }

  /** The first `out` rows, and the first `input` columns of each of `groups` equal column groups (patch merging). */
  sliceInputGroups(groups: number, out: number, input: number): Linear {
    const grouped = this.weight.reshape([this.weight.shape[0], groups, -1]);
    return derive<Linear>(this, {
      weight: grouped.narrow(0, 0, out).narrow(2, 0, input),
      bias: this.bias?.narrow(0, 0, out) ?? null,
      inputScale: scaleOfSlice(this, grouped.shape[2] / input),
      groups: "inputs",
    });
  }
}
