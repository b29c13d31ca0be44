import { addScaled, dot } from "./f64-vectors.js";

/** A symmetric positive definite matrix as L·Lᵀ, to solve with. Rows by dot products of rows (Cholesky-Banachiewicz). */
export class Cholesky {
  private readonly rows: readonly Float64Array[];

  /**
   * Factors scale·A + shift·I.
   *
   * @param matrix  A, symmetric and positive semi-definite; only its lower half is read
   * @param shift  above 0, so that the sum is definite
   */
  constructor(matrix: readonly Float64Array[], { scale, shift }: { scale: number; shift: number }) {
    const rows = matrix.map((row) => new Float64Array(row.length));
    rows.forEach((row, i) => {
      for (let j = 0; j < i; j++) row[j] = (scale * matrix[i][j] - dot(row, rows[j], j)) / rows[j][j];
      // Rounding may take a pivot that is only the shift below zero.
      row[i] = Math.sqrt(Math.max(scale * matrix[i][i] + shift - dot(row, row, i), 1e-3 * shift));
    });
    this.rows = rows;
  }

  /** Replaces b by the solution x of A·x = b. */
  solve(b: Float64Array): void {
    const { rows } = this;
    for (let i = 0; i < rows.length; i++) b[i] = (b[i] - dot(rows[i], b, i)) / rows[i][i];
    for (let i = rows.length - 1; i >= 0; i--) {
      b[i] /= rows[i][i];
      addScaled(b, -b[i], rows[i], i);
    }
  }
}
