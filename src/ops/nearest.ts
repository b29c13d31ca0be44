import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";

/** Neighbours of each query, the most similar first. */
export interface Neighbours {
  /** Rows of the bank, i32 [R, k]. */
  readonly index: Tensor;
  /** Their dot products with the query, f32 [R, k]. */
  readonly similarity: Tensor;
}

/**
 * The k rows of a bank with the largest dot product with each query; the lower row wins a tie. No gradient. A query with a NaN
 * gets row 0 with similarity −∞.
 *
 * @param queries  [R, C]
 * @param bank  [N, C]
 * @param k  number of neighbours, 1 … N
 * @param options.excludeSelf  leave out bank row r for query r, where queries are the bank
 * @throws ShapeError unless both are matrices of equal width and the bank has k rows to offer
 */
export function nearestRows(
  queries: Tensor,
  bank: Tensor,
  k: number,
  { excludeSelf = false }: { excludeSelf?: boolean } = {},
): Neighbours {
  expectDType("nearest", { queries, bank }, "f32");
  if (queries.shape.length !== 2 || bank.shape.length !== 2 || queries.shape[1] !== bank.shape[1]) {
    throw new ShapeError(
      `nearest: queries ${formatShape(queries.shape)} and bank ${formatShape(bank.shape)} must be matrices of equal width.`,
    );
  }
  const { rows, cols, ld: ldq } = rowsOf("nearest", queries);
  const { rows: count, ld: ldb } = rowsOf("nearest", bank);
  const offered = excludeSelf ? count - 1 : count;
  if (!Number.isInteger(k) || k < 1 || k > offered) {
    const besides = excludeSelf ? " besides the query" : "";
    throw new ShapeError(
      `nearest: k is ${k}, the bank ${formatShape(bank.shape)} offers 1 to ${offered} rows${besides}.`,
    );
  }
  const index = empty([rows, k], "i32");
  const similarity = empty([rows, k]);
  const exclude = excludeSelf ? 1 : 0;
  kernels.nearest_rows_f32(rows, count, cols, queries.ptr, ldq, bank.ptr, ldb, k, exclude, index.ptr, similarity.ptr);
  return { index, similarity };
}
