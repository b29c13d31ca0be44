/** Tensors with reverse-mode differentiation on WebAssembly SIMD kernels. */

export { backward, noGrad, scope, step } from "./autograd/tape.js";
export * from "./errors.js";
export * as ops from "./ops.js";
export { dispose, type InitOptions, init, memory, type Runtime, runtime } from "./runtime/context.js";
export { detectFeatures, type HostFeatures } from "./runtime/features.js";
export { empty, emptyLike, fromArray, full, keep, parameter, zeros } from "./tensor/create.js";
export type { DType } from "./tensor/dtype.js";
export { Rng } from "./tensor/random.js";
export type { Shape } from "./tensor/shape.js";
export { Tensor } from "./tensor/tensor.js";
