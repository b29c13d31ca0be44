export const POSITION_TABLE = "relative_position_bias_table";
export const POSITION_INDEX = "relative_position_index";

/**
 * The buffer that stands beside a bias table in the files of other libraries: for query a and key b of a window, both row by row,
 * the row (y_a − y_b + w − 1)·(2w − 1) + (x_a − x_b + w − 1) of the table (spec §2.6).
 *
 * @param window  side w of a window in tokens
 * @returns w²·w² numbers, queries outermost
 */
export function positionIndex(window: number): BigInt64Array {
  const cells = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window]);
  const rows = cells.flatMap(([ya, xa]) =>
    cells.map(([yb, xb]) => BigInt((ya - yb + window - 1) * (2 * window - 1) + xa - xb + window - 1)),
  );
  return BigInt64Array.from(rows);
}
