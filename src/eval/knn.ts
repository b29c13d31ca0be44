import { scope } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { nearestRows } from "../ops/nearest.js";
import { softmax } from "../ops/softmax.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { bootstrapMean, type Interval } from "./bootstrap.js";

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

/**
 * Which queries have their class among the n best scores; ties go to the lower class.
 *
 * @param scores  [Q · classes], row-major
 * @param labels  the true classes [Q]
 * @returns 1 or 0 per query
 */
export function topHits(scores: Float32Array, labels: Int32Array, classes: number, n = 1): Uint8Array {
  return Uint8Array.from(labels, (label, q) => {
    const row = scores.subarray(q * classes, (q + 1) * classes);
    const own = row[label];
    let better = 0;
    for (let c = 0; c < classes; c++) if (row[c] > own || (row[c] === own && c < label)) better++;
    return better < n ? 1 : 0;
  });
}

/** Share of queries whose class is among the n best scores; arguments as of `topHits`. */
export function topAccuracy(scores: Float32Array, labels: Int32Array, classes: number, n = 1): number {
  return meanOf(topHits(scores, labels, classes, n));
}

function meanOf(hits: Uint8Array): number {
  return hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
}

/** The queries' top-1 accuracy for each k. */
export function knnAccuracy(
  queries: LabelledFeatures,
  bank: LabelledFeatures,
  options: KnnOptions,
): KnnFigures["top1"] {
  return knnFigures(queries, bank, options).top1;
}

/** Accuracies by number of neighbours. */
export interface KnnFigures {
  readonly top1: Record<number, number>;
  readonly top5: Record<number, number>;
  /** Which queries are right, 1 or 0. */
  readonly hits: Record<number, Uint8Array>;
}

/** The queries' accuracy for each k, by the best class and by the five best. */
export function knnFigures(queries: LabelledFeatures, bank: LabelledFeatures, options: KnnOptions): KnnFigures {
  const { ks, classes } = options;
  const votes = knnVote(queries.features, bank, options);
  const byK = <T>(figure: (scores: Float32Array) => T): Record<number, T> =>
    Object.fromEntries(ks.map((k) => [k, figure(votes.get(k)!)]));
  const hits = byK((scores) => topHits(scores, queries.labels, classes));
  return {
    top1: Object.fromEntries(ks.map((k) => [k, meanOf(hits[k])])),
    top5: byK((scores) => topAccuracy(scores, queries.labels, classes, 5)),
    hits,
  };
}

/** The 95 % bootstrap interval of the top-1 accuracy for each k. */
export function knnIntervals({ hits }: KnnFigures): Record<number, Interval> {
  return Object.fromEntries(Object.entries(hits).map(([k, right]) => [k, bootstrapMean(right)]));
}
