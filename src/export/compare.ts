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

/** The smallest cosine between rows of two matrices of equal shape: 1 where all point the same way. */
export function smallestCosine(a: Float32Array, b: Float32Array, rows: number): number {
  const width = a.length / rows;
  let smallest = 1;
  for (let r = 0; r < rows; r++) {
    const [left, right] = [a, b].map((values) => values.subarray(r * width, (r + 1) * width));
    smallest = Math.min(smallest, dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right)));
  }
  return smallest;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Largest |a − b| of two lists of equal length; NaN if either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
