import { step } from "../autograd/tape.js";
import { classFeatures } from "../eval/features.js";
import type { Encoder } from "../models/encoder.js";
import type { Tensor } from "../tensor/tensor.js";

/** Class features of normalised images [B, C, S, S], row by row. */
export function featureValues(encoder: Encoder, images: Tensor, { unitLength = false } = {}): Float32Array {
  const rows = classFeatures(encoder, images, { normalize: unitLength });
  const values = rows.toArray() as Float32Array;
  rows.dispose();
  return values;
}

/** Patch features of the same. */
export function patchValues({ backbone }: Encoder, images: Tensor): Float32Array {
  return step(() => backbone.forward(images).patchTokens.toArray()) as Float32Array;
}

/** Largest |a − b| of two lists of equal length; NaN if either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
