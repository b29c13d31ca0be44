import { step } from "../autograd/tape.js";
import type { Encoder } from "../models/encoder.js";
import { l2Normalize } from "../ops/normalize.js";
import type { Tensor } from "../tensor/tensor.js";

/** Class features of normalised images [B, C, S, S], row by row. */
export function classFeatures({ backbone }: Encoder, images: Tensor, { unitLength = false } = {}): Float32Array {
  return step(() => {
    const features = backbone.classToken(images);
    return (unitLength ? l2Normalize(features) : features).toArray();
  }) as Float32Array;
}

/** Largest |a − b| of two lists of equal length; NaN if either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
