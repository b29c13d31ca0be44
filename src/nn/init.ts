import { filledParameter } from "../tensor/create.js";
import { fillConstant, fillNormal, fillTruncatedNormal, fillUniform } from "../tensor/fill.js";
import type { Rng } from "../tensor/random.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * How linear layers start: "official" is std 0.02, "fan_in" is std 1/√fan_in, both cut at ±2 and with biases of 0; "uniform"
 * is within ±1/√fan_in, biases too.
 */
export type WeightInit = "official" | "fan_in" | "uniform";

/** Normal with mean 0, restricted to ±2 (an absolute bound, as in the published code, not a multiple of std). */
export function truncatedNormal(shape: Shape, std: number, rng: Rng): Tensor {
  return filledParameter(shape, (x) => fillTruncatedNormal(x, rng, { std, bound: 2 }));
}

/** Normal with mean 0. */
export function normal(shape: Shape, std: number, rng: Rng): Tensor {
  return filledParameter(shape, (x) => fillNormal(x, rng, { std }));
}

/** Uniform in ±bound. */
export function uniform(shape: Shape, bound: number, rng: Rng): Tensor {
  return filledParameter(shape, (x) => fillUniform(x, rng, { low: -bound, high: bound }));
}

/** Every element the same. */
export function constant(shape: Shape, value: number): Tensor {
  return filledParameter(shape, (x) => fillConstant(x, value));
}

/** The start of a linear layer's weight [out, in]. */
export function linearWeight(shape: Shape, init: WeightInit, rng: Rng): Tensor {
  const fanIn = shape[shape.length - 1];
  if (init === "uniform") return uniform(shape, 1 / Math.sqrt(fanIn), rng.fork(1));
  return truncatedNormal(shape, init === "fan_in" ? 1 / Math.sqrt(fanIn) : 0.02, rng);
}

/** The start of a convolution's weight [out, in, kh, kw]: "official" is uniform in ±1/√fan_in, "fan_in" as for linear layers. */
export function convWeight(shape: Shape, init: WeightInit, rng: Rng): Tensor {
  const bound = 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1));
  return init === "fan_in" ? truncatedNormal(shape, bound, rng) : uniform(shape, bound, rng);
}

/** The start of a linear layer's bias [out]. @param shape  that of its weight [out, in] */
export function linearBias([out, fanIn]: Shape, init: WeightInit, rng: Rng): Tensor {
  return init === "uniform" ? uniform([out], 1 / Math.sqrt(fanIn), rng.fork(2)) : constant([out], 0);
}
