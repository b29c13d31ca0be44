import { ConfigError, ShapeError } from "../errors.js";
import { log } from "../tensor/math.js";
import { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Nearest, PointCloud } from "./point-cloud.js";

/** Keeps the draws apart from other uses of a seed: "kmns" in ASCII. */
const STREAM = 0x6b6d6e73;

/** How many starts there are, and when one ends. */
export interface KMeansOptions {
  /** Starts, of which the one with the least inertia is the result. Default 10. */
  readonly restarts?: number;
  /** The most iterations of a start. Default 300. */
  readonly iterations?: number;
  /**
   * A start ends once its centroids together move by less than this share of the points' mean variance per coordinate (squared
   * lengths), or no point changes its cluster. Default 1e-4.
   */
  readonly tolerance?: number;
  readonly seed?: number;
  /** Told how many of all starts are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where a start has ended. */
export interface KMeansStart {
  /** Cluster of each point [N]. */
  readonly assignments: Int32Array;
  /** [K, D] */
  readonly centroids: Float64Array;
  /** Sum over points of the squared distance from their centroid. */
  readonly inertia: number;
  readonly iterations: number;
}

/** The best of all starts, and each of them. */
export interface KMeansResult extends KMeansStart {
  /** All starts in their order. */
  readonly starts: readonly KMeansStart[];
}

/**
 * k-means: Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007), of which each centroid is the best of
 * 2 + ⌊ln K⌋ candidates. Products of points and centroids are formed by kernels, sums in double precision. A cluster that loses
 * all its points takes the point that is farthest from its centroid. A function of points and seed.
 *
 * @param points  f32 [N, D]
 * @param clusters  K, 1 … N
 * @throws ConfigError for another K or no start, ShapeError for what is no matrix, NumericError for numbers that are not finite
 */
export function kMeans(points: Tensor, clusters: number, options: KMeansOptions = {}): KMeansResult {
  const { restarts = 10, seed = 0, onProgress } = options;
  if (restarts < 1) throw new ConfigError(`k-means: ${restarts} starts, expected at least one.`);
  return withCloud(points, clusters, (cloud) => {
    const starts = Array.from({ length: restarts }, (_, i) => {
      const start = lloyd(cloud, firstCentroids(cloud, clusters, new Rng(seed, STREAM, i)), options);
      onProgress?.(i + 1, restarts);
      return start;
    });
    const best = starts.reduce((least, start) => (start.inertia < least.inertia ? start : least));
    return { ...best, starts };
  });
}

/**
 * Lloyd's algorithm from given centroids.
 *
 * @param points  f32 [N, D]
 * @param centroids  [K, D], row-major
 */
export function kMeansFrom(points: Tensor, centroids: ArrayLike<number>, options: KMeansOptions = {}): KMeansStart {
  const width = points.shape[1];
  return withCloud(points, centroids.length / width, (cloud) => {
    const centred = Float64Array.from(centroids, (value, i) => value - cloud.mean[i % width]);
    return lloyd(cloud, centred, options);
  });
}

/** Runs on the points less their mean and moves the centroids back. */
function withCloud<T extends KMeansStart>(points: Tensor, clusters: number, run: (cloud: PointCloud) => T): T {
  if (points.shape.length !== 2)
    throw new ShapeError(`k-means: points are ${formatShape(points.shape)}, expected [N, D].`);
  const [count, width] = points.shape;
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > count) {
    throw new ConfigError(`k-means: ${clusters} clusters of ${count} points. Ask for 1 to ${count}.`);
  }
  const cloud = new PointCloud(points);
  try {
    const found = run(cloud);
    return { ...found, centroids: found.centroids.map((value, i) => value + cloud.mean[i % width]) };
  } finally {
    cloud.dispose();
  }
}

function lloyd(cloud: PointCloud, start: Float64Array, options: KMeansOptions): KMeansStart {
  const { iterations: most = 300, tolerance = 1e-4 } = options;
  let centroids = start;
  let nearest = cloud.nearest(centroids);
  let iterations = 0;
  for (let settled = false; !settled && iterations < most; iterations++) {
    const means = clusterMeans(cloud, nearest, centroids);
    const moved = means.reduce((sum, value, i) => sum + (value - centroids[i]) ** 2, 0);
    const next = cloud.nearest(means);
    settled = moved <= tolerance * cloud.variance || next.clusters.every((k, n) => k === nearest.clusters[n]);
    [centroids, nearest] = [means, next];
  }
  const { clusters: assignments } = nearest;
  return { assignments, centroids, inertia: cloud.inertia(centroids, assignments), iterations };
}

/** The mean of each cluster's points. An empty cluster is given the point that is farthest from its centroid. */
function clusterMeans({ rows, count, width }: PointCloud, { clusters, squares }: Nearest, before: Float64Array) {
  const sums = new Float64Array(before.length);
  const sizes = new Int32Array(before.length / width);
  const add = (n: number, k: number, sign: 1 | -1) => {
    sizes[k] += sign;
    for (let d = 0; d < width; d++) sums[k * width + d] += sign * rows[n * width + d];
  };
  for (let n = 0; n < count; n++) add(n, clusters[n], 1);
  for (let k = 0; k < sizes.length; k++) {
    if (sizes[k] > 0) continue;
    let farthest = -1;
    for (let n = 0; n < count; n++) {
      if (sizes[clusters[n]] > 1 && squares[n] > (farthest < 0 ? 0 : squares[farthest])) farthest = n;
    }
    if (farthest < 0) continue; // every point lies on its centroid
    add(farthest, clusters[farthest], -1);
    add(farthest, k, 1);
    clusters[farthest] = k;
    squares[farthest] = 0;
  }
  return sums.map((sum, i) => {
    const size = sizes[Math.floor(i / width)];
    return size > 0 ? sum / size : before[i];
  });
}

/** k-means++: each centroid a point, drawn with a chance in proportion to its squared distance from those before. */
function firstCentroids(cloud: PointCloud, clusters: number, rng: Rng): Float64Array {
  const { rows, count, width } = cloud;
  const candidates = 2 + Math.floor(log(clusters));
  const centroids = new Float64Array(clusters * width);
  let open: Float64Array = new Float64Array(count).fill(Number.POSITIVE_INFINITY); // squared distance from the nearest so far
  for (let k = 0; k < clusters; k++) {
    const drawn = k === 0 ? [rng.integer(0, count - 1)] : drawByDistance(open, candidates, rng);
    const places = Float64Array.from(drawn.flatMap((n) => [...rows.subarray(n * width, (n + 1) * width)]));
    const distances = cloud.distances(places);
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    const remaining = drawn.map((_, c) => open.map((square, n) => Math.min(square, distances[n * drawn.length + c])));
    remaining.forEach((squares, c) => {
      squares[drawn[c]] = 0;
      const total = squares.reduce((sum, square) => sum + square, 0);
      if (total < least) [best, least] = [c, total];
    });
    open = remaining[best];
    centroids.set(places.subarray(best * width, (best + 1) * width), k * width);
  }
  return centroids;
}

/** Numbers of points, drawn with chances in proportion to weights; where all are 0, with equal ones. */
function drawByDistance(weights: Float64Array, draws: number, rng: Rng): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: draws }, () => {
    if (total === 0) return rng.integer(0, weights.length - 1);
    let left = rng.uniform(0, total);
    const found = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return found < 0 ? weights.findLastIndex((weight) => weight > 0) : found; // rounding may leave a hair
  });
}
