import { step } from "../autograd/tape.js";
import { NumericError } from "../errors.js";
import { matmul } from "../ops/matmul.js";
import { nearestRows } from "../ops/nearest.js";
import { fromArray, persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";

/** Which centroid is nearest to each point, and how far it is. */
export interface Nearest {
  readonly clusters: Int32Array;
  /** Squared distances. */
  readonly squares: Float64Array;
}

/**
 * Points less their mean, so that rounding stays small beside distances, with a 1 behind each: the product of (x, 1) and
 * (c, −‖c‖²/2) is (‖x‖² − ‖x − c‖²)/2, largest for the nearest centroid.
 */
export class PointCloud {
  readonly count: number;
  readonly width: number;
  readonly mean: Float64Array;
  /** [N, D] */
  readonly rows: Float32Array;
  /** Mean variance per coordinate. */
  readonly variance: number;
  /** ‖x‖² of each point. */
  private readonly squares: Float64Array;
  /** [N, D + 1] */
  private readonly extended: Tensor;

  /**
   * @param points  f32 [N, D]
   * @throws NumericError for numbers that are not finite
   */
  constructor(points: Tensor) {
    [this.count, this.width] = points.shape;
    this.rows = points.toArray() as Float32Array;
    this.mean = new Float64Array(this.width);
    this.squares = new Float64Array(this.count);
    this.subtractMean();
    const total = this.squares.reduce((sum, square) => sum + square, 0);
    if (!Number.isFinite(total)) throw new NumericError("k-means: the points hold a number that is not finite.");
    this.variance = total / (this.count * this.width);
    this.extended = persistent([this.count, this.width + 1]);
    this.extended.write(this.extend(this.rows, () => 1));
  }

  /** Gives the memory back. */
  dispose(): void {
    this.extended.dispose();
  }

  /** @param centroids  [K, D]; the first of several equally near ones counts */
  nearest(centroids: Float64Array): Nearest {
    const [clusters, products] = step(() => {
      const { index, similarity } = nearestRows(this.extended, this.extendedCentroids(centroids), 1);
      return [index.toArray() as Int32Array, similarity.toArray()];
    });
    const squares = this.squares.map((square, n) => Math.max(0, square - 2 * products[n]));
    return { clusters, squares };
  }

  /** Squared distances [N, K] of each point from each of a few centroids [K, D]. */
  distances(centroids: Float64Array): Float64Array {
    const k = centroids.length / this.width;
    const products = step(() => matmul(this.extended, this.extendedCentroids(centroids).permute([1, 0])).toArray());
    return Float64Array.from(products, (product, i) => Math.max(0, this.squares[Math.floor(i / k)] - 2 * product));
  }

  /** Sum over points of the squared distance from their centroid, in double precision. */
  inertia(centroids: Float64Array, clusters: Int32Array): number {
    let sum = 0;
    for (let n = 0, i = 0; n < this.count; n++) {
      const centroid = clusters[n] * this.width;
      for (let d = 0; d < this.width; d++, i++) sum += (this.rows[i] - centroids[centroid + d]) ** 2;
    }
    return sum;
  }

  private subtractMean(): void {
    const { rows, mean, squares, count, width } = this;
    for (let n = 0, i = 0; n < count; n++) for (let d = 0; d < width; d++, i++) mean[d] += rows[i];
    for (let d = 0; d < width; d++) mean[d] /= count;
    for (let n = 0, i = 0; n < count; n++) {
      for (let d = 0; d < width; d++, i++) {
        rows[i] -= mean[d];
        squares[n] += rows[i] * rows[i];
      }
    }
  }

  private extendedCentroids(centroids: Float64Array): Tensor {
    const k = centroids.length / this.width;
    const square = (row: ArrayLike<number>) => {
      let sum = 0;
      for (let d = 0; d < row.length; d++) sum += row[d] * row[d];
      return sum;
    };
    return fromArray(
      this.extend(centroids, (row) => -square(row) / 2),
      [k, this.width + 1],
    );
  }

  /** Rows with one more number behind each. */
  private extend(
    rows: Float32Array | Float64Array,
    further: (row: Float32Array | Float64Array) => number,
  ): Float32Array {
    const { width } = this;
    const count = rows.length / width;
    const extended = new Float32Array(count * (width + 1));
    for (let n = 0; n < count; n++) {
      const row = rows.subarray(n * width, (n + 1) * width);
      extended.set(row, n * (width + 1));
      extended[n * (width + 1) + width] = further(row);
    }
    return extended;
  }
}
