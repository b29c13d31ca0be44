import * as reference from "../reference/reduce.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

for (const n of [1, 3, 16, 17, 4095, 4096, 4097, 3 * 4096, 20_011]) {
  const blocks = Math.ceil(n / 4096);
  test(`block sums, squared norms and maxima of ${n} numbers equal their references`, () => {
    const args = (m: { input: (n: number) => number; output: (n: number) => number }) => [
      blocks,
      n,
      m.input(n),
      m.output(blocks),
    ];
    checkKernel("sum_blocks_f32", reference.sum_blocks_f32, { args, atol: 2e-4 });
    checkKernel("squared_norm_blocks_f32", reference.squared_norm_blocks_f32, { args });
    checkKernel("max_blocks_f32", reference.max_blocks_f32, { args, atol: 0, rtol: 0 });
  });
}

test("a maximum is found in every position, below zero, and passes over NaN", () => {
  for (let at = 0; at < 21; at++) {
    const values = Float32Array.from({ length: 21 }, (_, i) => (i === at ? -1 : i % 5 === 3 ? Number.NaN : -2 - i));
    checkKernel("max_blocks_f32", reference.max_blocks_f32, {
      args: (m) => [1, 21, m.input(values), m.output(1)],
      rtol: 0,
    });
  }
});

for (const [rows, cols, ld] of [
  [1, 1, 1],
  [0, 5, 5],
  [9, 16, 16],
  [33, 7, 11],
  [100, 37, 64],
  [3, 9001, 9001],
  [19, 1029, 1040], // rows longer than a page
  [2300, 9, 1000], // short rows of a matrix too large for a cache
]) {
  for (const beta of [0, 1]) {
    test(`column sums of ${rows} x ${cols}, stride ${ld}, equal their reference with beta ${beta}`, () => {
      checkKernel("column_sum_f32", reference.column_sum_f32, {
        args: (m) => [cols, rows, m.input(rows * ld), ld, beta, m.output(cols, { beta })],
        atol: rows > 1000 ? 1e-4 : 1e-5,
      });
    });
  }
}

for (const cols of [1, 3, 4, 8, 9, 16, 31, 100]) {
  test(`the largest of ${cols} columns is found, the first of equal ones`, () => {
    const rows = 2 * cols + 3;
    const values = Float32Array.from({ length: rows * cols }, (_, i) => ((i * 7919) % 11) - 20); // many ties
    for (let r = 0; r < cols; r++) values[r * cols + r] = 5; // and once the winner in each column
    checkKernel("argmax_rows_f32", reference.argmax_rows_f32, {
      args: (m) => [rows, cols, m.input(values), cols, m.output(rows)],
      compare: "i32",
    });
  });
}

test("the largest column is 0 where no number is larger than minus infinity, and never a NaN", () => {
  const row = (value: number) => new Array(11).fill(value);
  const values = [
    ...row(Number.NEGATIVE_INFINITY),
    ...row(Number.NaN),
    ...row(Number.NaN).with(9, -3),
    ...row(Number.NaN).with(2, -3),
  ];
  checkKernel("argmax_rows_f32", reference.argmax_rows_f32, {
    args: (m) => [4, 11, m.input(values), 11, m.output(4)],
    compare: "i32",
  });
});

test("the largest column of strided rows equals its reference", () => {
  checkKernel("argmax_rows_f32", reference.argmax_rows_f32, {
    args: (m) => [6, 13, m.input(6 * 20), 20, m.output(6)],
    compare: "i32",
  });
});
