import { scope, step } from "../autograd/tape.js";
import { DataError, ShapeError } from "../errors.js";
import { matmul } from "../ops/matmul.js";
import { fromArray, persistent } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { leadingEigenpairs } from "./symmetric-eigen.js";

/** Rows whose products are added in single precision before they join the sum in double. */
const BLOCK = 512;

/** Variances below this share of the largest are rounding. */
const LEAST_VARIANCE = 1e-6;

/** The directions of largest variance of some rows. */
export interface Pca {
  /** Mean of the rows [D]. */
  readonly mean: Float64Array;
  /** Variance along each direction, divisor N − 1, descending. */
  readonly variances: Float64Array;
  /** Orthonormal directions, each [D]; the coordinate of the largest size is positive. */
  readonly directions: readonly Float64Array[];
}

/**
 * Principal components of rows: products of centred rows by kernels, their sum and its eigenvectors in double precision.
 *
 * @param rows  f32 [N, D], N ≥ 2
 * @param components  how many directions; fewer come back where the rows do not vary in so many
 * @throws ShapeError for a single row or what is no matrix, DataError for rows without any variance
 */
export function fitPca(rows: Tensor, components: number): Pca {
  const [count, width] = rows.shape;
  if (rows.shape.length !== 2 || count < 2) {
    throw new ShapeError(`pca: rows are ${formatShape(rows.shape)}, expected a matrix of at least two rows.`);
  }
  const mean = meanRow(rows);
  const covariance = new Float64Array(width * width);
  for (let first = 0; first < count; first += BLOCK) {
    const products = step(() => {
      const block = centredBlock(rows, mean, first);
      return matmul(block.permute([1, 0]), block).toArray(); //                                  [D, D]
    });
    for (let i = 0; i < covariance.length; i++) covariance[i] += products[i];
  }
  for (let i = 0; i < covariance.length; i++) covariance[i] /= count - 1;
  const { values, vectors } = leadingEigenpairs(covariance, width, components);
  if (!(values[0] > 0)) throw new DataError(`pca: the ${count} rows are all alike, so no direction has any variance.`);
  const kept = values.findIndex((value) => value < LEAST_VARIANCE * values[0]);
  const end = kept < 0 ? values.length : kept;
  return { mean, variances: values.slice(0, end), directions: vectors.slice(0, end) };
}

/**
 * Coordinates of rows along the directions of a PCA.
 *
 * @param rows  f32 [N, D]
 * @param options.whiten  divide each by its standard deviation, so that all directions count alike. Default false
 * @returns f32 [N, K] in persistent memory
 */
export function projectOnto(pca: Pca, rows: Tensor, { whiten = false } = {}): Tensor {
  const { mean, variances, directions } = pca;
  const [count, width] = rows.shape;
  const projected = persistent([count, directions.length]);
  const weights = new Float32Array(directions.length * width);
  directions.forEach((direction, k) => {
    const factor = whiten ? 1 / Math.sqrt(variances[k]) : 1;
    weights.set(
      direction.map((value) => value * factor),
      k * width,
    );
  });
  step(() => {
    const along = fromArray(weights, [directions.length, width]).permute([1, 0]); //             [D, K]
    for (let first = 0; first < count; first += BLOCK) {
      const values = scope(() => matmul(centredBlock(rows, mean, first), along).toArray());
      projected.narrow(0, first, values.length / directions.length).write(values);
    }
  });
  return projected;
}

function meanRow(rows: Tensor): Float64Array {
  const [count, width] = rows.shape;
  const mean = new Float64Array(width);
  for (let first = 0; first < count; first += BLOCK) {
    const values = rows.narrow(0, first, Math.min(BLOCK, count - first)).toArray();
    for (let i = 0, column = 0; i < values.length; i++) {
      mean[column] += values[i];
      if (++column === width) column = 0;
    }
  }
  return mean.map((sum) => sum / count);
}

/** Up to 512 rows from `first` on, less the mean. */
function centredBlock(rows: Tensor, mean: Float64Array, first: number): Tensor {
  const [count, width] = rows.shape;
  const block = Math.min(BLOCK, count - first);
  const values = rows.narrow(0, first, block).toArray();
  for (let i = 0, column = 0; i < values.length; i++) {
    values[i] -= mean[column];
    if (++column === width) column = 0;
  }
  return fromArray(values, [block, width]);
}
