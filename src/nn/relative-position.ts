import { gatherRows } from "../ops/gather.js";
import type { Tensor } from "../tensor/tensor.js";

/** For query a and key b of a window, (y_a − y_b + w − 1)·(2w − 1) + (x_a − x_b + w − 1), row by row over a and b. */
export function relativePositionIndex(window: number): Int32Array {
  const cells = window * window;
  const index = new Int32Array(cells * cells);
  for (let a = 0; a < cells; a++) {
    for (let b = 0; b < cells; b++) {
      const y = Math.floor(a / window) - Math.floor(b / window) + window - 1;
      const x = (a % window) - (b % window) + window - 1;
      index[a * cells + b] = y * (2 * window - 1) + x;
    }
  }
  return index;
}

/**
 * What each head adds to the score of query and key for their places in a window (Liu et al. 2021, eq. 4).
 *
 * @param table  one number for each offset and head  [(2w − 1)², H]; the first heads of a wider one are a view
 * @param window  side w, in cells
 * @returns a view  [H, w², w²]
 */
export function relativePositionBias(table: Tensor, window: number): Tensor {
  const cells = window * window;
  return gatherRows(table, relativePositionIndex(window)) //                     [w²·w², H]
    .reshape([cells, cells, table.shape[1]])
    .permute([2, 0, 1]);
}
