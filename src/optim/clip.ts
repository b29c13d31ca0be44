import { Module } from "../nn/module.js";
import { squaredNorm } from "../ops/reduce.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Scales gradients so that their common L2 norm is at most maxNorm, by min(1, maxNorm / (norm + 1e-6)). The factor is noted on
 * each gradient and applied by the optimiser while it reads, so that clipping costs one pass, that of the norm.
 *
 * @param parameters  a module or its parameters; those without gradient do not count
 * @param maxNorm  > 0; Infinity only measures
 * @returns the norm before scaling; NaN or Infinity if a gradient is not finite
 */
export function clipGradients(parameters: Module | readonly Tensor[], maxNorm: number): number {
  const tensors = parameters instanceof Module ? parameters.parameters() : parameters;
  const storages = [...new Set(tensors.map(({ storage }) => storage))].filter(({ gradientPresent }) => gradientPresent);
  const squares = storages.map(({ gradient, gradientScale, sizeBytes }) => {
    return squaredNorm(gradient!.ptr, sizeBytes / 4) * gradientScale ** 2;
  });
  const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  const factor = Math.min(1, maxNorm / (norm + 1e-6));
  for (const storage of storages) storage.gradientScale *= factor;
  return norm;
}
