import { scope } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { nearestRows } from "../ops/nearest.js";
import { softmax } from "../ops/softmax.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Temperature of the vote weights in all published evaluations. */
export const KNN_TEMPERATURE = 0.07;

/** Labelled features: unit rows [N, F] and a class per row. */
export interface LabelledFeatures {
  readonly features: Tensor;
  readonly labels: Int32Array;
}

/** What a vote needs beside features. */
export interface KnnOptions {
  /** Numbers of neighbours; those above the bank's size count as its size. */
  readonly ks: readonly number[];
  readonly classes: number;
  /** Default 0.07. */
  readonly temperature?: number;
}

/**
 * Weighted nearest-neighbour vote (Wu et al., 2018; spec §7.1): the weights of the largest k's neighbours are
 * softmax(cosine/τ); for each k the first k of them are summed per class, without renormalising.
 *
 * @param queries  unit rows [Q, F]
 * @param bank  labelled unit rows [N, F]
 * @returns per k the class scores [Q · classes], row-major
 * @throws ShapeError if features or labels do not fit
 */
export function knnVote(
  queries: Tensor,
  { features, labels }: LabelledFeatures,
  { ks, classes, temperature = KNN_TEMPERATURE }: KnnOptions,
): Map<number, Float32Array> {
  if (labels.length !== features.shape[0]) {
    throw new ShapeError(`knn: ${labels.length} labels for a bank of ${formatShape(features.shape)} features.`);
  }
  const count = queries.shape[0];
  const largest = Math.min(Math.max(...ks), labels.length);
  const [indices, weights] = scope(() => {
    const { index, similarity } = nearestRows(queries, features, largest); //    [Q, k]
    return [index.toArray(), softmax(similarity, { temperature }).toArray()];
  });
  const votes = new Map<number, Float32Array>();
  for (const k of ks) {
    const scores = new Float32Array(count * classes);
    for (let q = 0; q < count; q++) {
      for (let i = 0; i < Math.min(k, largest); i++) {
        const neighbour = q * largest + i;
        scores[q * classes + labels[indices[neighbour]]] += weights[neighbour];
      }
    }
    votes.set(k, scores);
  }
  return votes;
}
