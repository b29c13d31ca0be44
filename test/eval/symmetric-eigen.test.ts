import * as assert from "uvu/assert";
import { NumericError } from "../../src/errors.js";
import { leadingEigenpairs, tridiagonalEigenpairs } from "../../src/eval/symmetric-eigen.js";
import { close } from "../support/close.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** Σ values[i] · v[i] v[i]ᵀ of orthonormal rows. */
function composed(values: readonly number[], vectors: readonly ArrayLike<number>[]): Float64Array {
  const n = vectors[0].length;
  return Float64Array.from({ length: n * n }, (_, at) =>
    values.reduce((sum, value, i) => sum + value * vectors[i][Math.floor(at / n)] * vectors[i][at % n], 0),
  );
}

/** Orthonormal rows by Gram-Schmidt. */
function orthonormal(count: number, n: number): number[][] {
  const next = seeded(count + n);
  const rows: number[][] = [];
  while (rows.length < count) {
    const row = Array.from({ length: n }, () => 2 * next() - 1);
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows) {
        const product = row.reduce((sum, x, i) => sum + x * other[i], 0);
        other.forEach((x, i) => {
          row[i] -= product * x;
        });
      }
    }
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    rows.push(row.map((x) => x / length));
  }
  return rows;
}

test("two by two by hand: 3 along (1, 1), 1 along (1, -1)", () => {
  const { values, vectors } = leadingEigenpairs(Float64Array.of(2, 1, 1, 2), 2, 2);
  close(values, [3, 1], 1e-12);
  close(vectors[0], [Math.SQRT1_2, Math.SQRT1_2], 1e-12);
  close([Math.abs(vectors[1][0]), vectors[1][0] + vectors[1][1]], [Math.SQRT1_2, 0], 1e-12);
});

test("a chain of coupled points has the eigenvalues 2 − 2 cos(jπ/(n + 1))", () => {
  const n = 60;
  const expected = Array.from({ length: n }, (_, i) => 2 - 2 * Math.cos(((n - i) * Math.PI) / (n + 1)));
  const { values, vectors } = tridiagonalEigenpairs(Array(n).fill(2), Array(n - 1).fill(-1));
  close(values, expected, 1e-12);
  const products = vectors.flatMap((a, i) =>
    vectors.map((b, j) => a.reduce((sum, x, k) => sum + x * b[k], 0) - +(i === j)),
  );
  assert.ok(Math.max(...products.map(Math.abs)) < 1e-12, "the vectors are orthonormal");
});

test("the leading pairs of a large matrix are those it was made of, the sign that of the largest coordinate", () => {
  const n = 220;
  const rows = orthonormal(n, n);
  const spectrum = Array.from({ length: n }, (_, i) => 100 / (1 + i) ** 1.3);
  const { values, vectors } = leadingEigenpairs(composed(spectrum, rows), n, 12);
  close(values, spectrum.slice(0, 12), 1e-9);
  vectors.forEach((vector, i) => {
    const peak = rows[i].reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most));
    const signed = rows[i].map((x) => x * Math.sign(peak));
    close(vector, signed, 1e-6, `vector ${i}`);
  });
});

test("fewer pairs come back where the rank is lower", () => {
  const rows = orthonormal(3, 90);
  const { values } = leadingEigenpairs(composed([5, 2, 1], rows), 90, 20);
  close(values.slice(0, 3), [5, 2, 1], 1e-9);
  assert.ok(values.slice(3).every((value) => Math.abs(value) < 1e-6));
  assert.is(leadingEigenpairs(new Float64Array(16), 4, 2).values.filter((value) => value > 0).length, 0);
});

test("an eigenvalue that occurs several times is found as often", () => {
  const rows = orthonormal(6, 40);
  const { values, vectors } = leadingEigenpairs(composed([7, 7, 7, 3, 3, 1], rows), 40, 6);
  close(values, [7, 7, 7, 3, 3, 1], 1e-9);
  for (const vector of vectors.slice(0, 3)) {
    const within = rows.slice(0, 3).reduce((sum, row) => sum + row.reduce((s, x, i) => s + x * vector[i], 0) ** 2, 0);
    close([within], [1], 1e-9);
  }
});

test("a number that is not finite is refused", () => {
  refuses(() => leadingEigenpairs(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2, 1), NumericError, "not finite");
});
