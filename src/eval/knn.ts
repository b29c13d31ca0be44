import { type KnnOptions, knnVote, type LabelledFeatures } from "../models/knn-vote.js";
import { bootstrapMean, type Interval } from "./bootstrap.js";

export { KNN_TEMPERATURE, type KnnOptions, knnVote, type LabelledFeatures } from "../models/knn-vote.js";

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
