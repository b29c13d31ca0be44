import { ShapeError } from "../errors.js";

/**
 * The one-to-one assignment of rows to columns with the least total cost (Kuhn, 1955): shortest augmenting paths over
 * potentials, O(min² · max) for the smaller and the larger of the two numbers. Of several optima a function of the costs alone.
 *
 * @param cost  [rows, cols], finite, row-major
 * @returns the column of each row; −1 for rows that remain where there are more rows than columns
 * @throws ShapeError if there are not rows · cols costs
 */
export function leastCostAssignment(cost: ArrayLike<number>, rows: number, cols: number): Int32Array {
  if (cost.length !== rows * cols) {
    throw new ShapeError(
      `assignment: ${cost.length} costs for ${rows} rows and ${cols} columns, expected ${rows * cols}.`,
    );
  }
  if (rows <= cols) return assignRows((row, col) => cost[row * cols + col], rows, cols);
  const rowOf = assignRows((col, row) => cost[row * cols + col], cols, rows);
  const colOf = new Int32Array(rows).fill(-1);
  rowOf.forEach((row, col) => {
    colOf[row] = col;
  });
  return colOf;
}

/** The column of each row, rows ≤ cols. */
function assignRows(cost: (row: number, col: number) => number, rows: number, cols: number): Int32Array {
  // Reduced costs cost − u[row] − v[col] stay ≥ 0, and are 0 for assigned pairs.
  const [u, v] = [new Float64Array(rows), new Float64Array(cols)];
  const rowOf = new Int32Array(cols).fill(-1);
  for (let start = 0; start < rows; start++) {
    const distance = new Float64Array(cols).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(cols).fill(-1);
    const visited = new Uint8Array(cols);
    const path: number[] = [];
    let [row, last, reached] = [start, -1, 0];
    for (;;) {
      let nearest = -1;
      for (let col = 0; col < cols; col++) {
        if (visited[col]) continue;
        const through = reached + cost(row, col) - u[row] - v[col];
        if (through < distance[col]) {
          distance[col] = through;
          before[col] = last;
        }
        if (nearest < 0 || distance[col] < distance[nearest]) nearest = col;
      }
      reached = distance[nearest];
      last = nearest;
      if (rowOf[nearest] < 0) break;
      visited[nearest] = 1;
      path.push(nearest);
      row = rowOf[nearest];
    }
    u[start] += reached;
    for (const col of path) {
      u[rowOf[col]] += reached - distance[col];
      v[col] -= reached - distance[col];
    }
    while (last >= 0) {
      rowOf[last] = before[last] < 0 ? start : rowOf[before[last]];
      last = before[last];
    }
  }
  const colOf = new Int32Array(rows);
  rowOf.forEach((row, col) => {
    if (row >= 0) colOf[row] = col;
  });
  return colOf;
}
