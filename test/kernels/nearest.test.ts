import * as reference from "../reference/nearest.js";
import { checkKernel, type KernelCase, seeded } from "../support/kernels.js";
import { test } from "../support/test.js";

interface Shape {
  rows: number;
  count: number;
  cols: number;
  k: number;
  excludeSelf?: number;
}

/** Whole numbers from −2 to 2: products are exact, so indices must agree to the last tie. */
function wholeNumbers(n: number, seed: number): number[] {
  const next = seeded(seed);
  return Array.from({ length: n }, () => Math.floor(5 * next()) - 2);
}

function exact({ rows, count, cols, k, excludeSelf = 0 }: Shape, gap = 3): KernelCase {
  const [ldq, ldb] = [cols + gap, cols + 2 * gap];
  return {
    compare: "i32",
    args: (m) => [
      ...[rows, count, cols, m.input(wholeNumbers(rows * ldq, 1)), ldq, m.input(wholeNumbers(count * ldb, 2)), ldb],
      ...[k, excludeSelf, m.output(rows * k, { label: "index" }), m.output(rows * k, { label: "similarity" })],
    ],
  };
}

const shapes: Shape[] = [
  { rows: 1, count: 1, cols: 1, k: 1 },
  { rows: 5, count: 5, cols: 3, k: 1, excludeSelf: 1 },
  { rows: 4, count: 9, cols: 8, k: 8, excludeSelf: 1 },
  { rows: 7, count: 301, cols: 96, k: 20 },
  { rows: 13, count: 64, cols: 5, k: 64 },
  { rows: 6, count: 2, cols: 0, k: 2 },
  { rows: 3, count: 19, cols: 1030, k: 4 },
];

for (const shape of shapes) {
  test(`nearest rows, ties included, equal their reference: ${JSON.stringify(shape)}`, () => {
    checkKernel("nearest_rows_f32", reference.nearest_rows_f32, exact(shape));
  });
}

test("similarities of rounded numbers agree with their reference", () => {
  checkKernel("nearest_rows_f32", reference.nearest_rows_f32, {
    args: (m) => [10, 40, 37, m.input(370), 37, m.input(1480), 37, 3, 0, m.output(30), m.output(30)],
  });
});

test("NaN rows are never neighbours, and a NaN query gets index 0 with similarity −∞", () => {
  const withNaN = (n: number, seed: number, at: number) => wholeNumbers(n, seed).with(at, Number.NaN);
  checkKernel("nearest_rows_f32", reference.nearest_rows_f32, {
    compare: "i32",
    args: (m) => [
      5,
      6,
      4,
      m.input(withNaN(20, 1, 9)),
      4,
      m.input(withNaN(24, 2, 13)),
      4,
      5,
      0,
      m.output(25),
      m.output(25),
    ],
  });
});
