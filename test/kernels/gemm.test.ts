import * as reference from "../reference/gemm.js";
import { packedIndex } from "../reference/pack.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

interface Product {
  m: number;
  n: number;
  k: number;
  alpha?: number;
  aRow?: number;
  aCol?: number;
  biased?: boolean;
  beta?: 0 | 1;
  ldc?: number;
}

/** A packed matrix whose padding is NaN, so that padding which reaches C is seen. */
function packed(memory: TestMemory, k: number, n: number): number {
  const ptr = memory.input(8 * Math.ceil(n / 8) * k);
  const block = memory.blocks.at(-1);
  for (let j = n; j % 8 !== 0; j++) {
    for (let i = 0; i < k; i++) memory.heap.f32[packedIndex(ptr, k, i, j)] = Number.NaN;
  }
  if (block) block.before = memory.words(ptr, block.words);
  return ptr;
}

function check({ m, n, k, alpha = 1, aRow = k, aCol = 1, biased = false, beta = 0, ldc = n }: Product): void {
  checkKernel("gemm_f32", reference.gemm_f32, {
    args: (memory) => {
      const a = memory.input(Math.max(0, m - 1) * aRow + Math.max(0, k - 1) * aCol + 1);
      const b = packed(memory, k, n);
      const bias = biased ? memory.input(n) : 0;
      const c = memory.output(Math.max(0, m - 1) * ldc + n, { beta });
      return [m, n, k, alpha, a, aRow, aCol, b, bias, beta, c, ldc];
    },
    atol: 4e-6 * Math.sqrt(k),
  });
}

for (const m of [1, 2, 3, 4, 5, 16, 19, 132, 141]) {
  for (const n of [1, 8, 10, 24]) {
    test(`a product of ${m} rows and ${n} columns equals its reference`, () => {
      check({ m, n, k: 13 });
      check({ m, n, k: 13, beta: 1 });
      check({ m, n, k: 13, biased: true });
    });
    test(`a product of ${m} columns read as rows, ${n} columns equals its reference`, () => {
      check({ m, n, k: 11, aRow: 1, aCol: m });
      check({ m, n, k: 11, aRow: 1, aCol: m, beta: 1 });
    });
  }
}

for (const k of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 383, 384]) {
  test(`a product over ${k} terms equals its reference`, () => {
    check({ m: 9, n: 17, k });
    check({ m: 9, n: 17, k, aRow: 1, aCol: 9 });
    check({ m: 12, n: 9, k });
  });
}

test("alpha scales the product and neither the bias nor what was in C", () => {
  check({ m: 6, n: 12, k: 7, alpha: 1.5, biased: true });
  check({ m: 6, n: 12, k: 7, alpha: -0.25, beta: 1 });
  check({ m: 20, n: 12, k: 7, alpha: 2.5, aRow: 1, aCol: 20 });
});

test("slices of wider matrices are read and written without their surroundings", () => {
  check({ m: 21, n: 19, k: 10, aRow: 37, ldc: 31 });
  check({ m: 21, n: 19, k: 10, aRow: 37, ldc: 31, beta: 1 });
  check({ m: 21, n: 19, k: 10, aRow: 1, aCol: 40, ldc: 31, beta: 1 });
});

test("an operand with no unit stride is multiplied exactly", () => {
  check({ m: 9, n: 9, k: 6, aRow: 2, aCol: 19 });
});

test("a column of ones that is read again and again has stride zero", () => {
  check({ m: 5, n: 9, k: 6, aRow: 0, aCol: 1 });
});

test("a product over no terms is its bias or leaves C as it was", () => {
  check({ m: 5, n: 9, k: 0 });
  check({ m: 5, n: 9, k: 0, biased: true });
  check({ m: 5, n: 9, k: 0, beta: 1 });
});

test("a product of no rows or no columns writes nothing", () => {
  check({ m: 0, n: 9, k: 4 });
  check({ m: 5, n: 0, k: 4 });
});

interface Batch {
  batch: number;
  m: number;
  n: number;
  k: number;
  transposed?: "a" | "b";
  beta?: 0 | 1;
  spare?: number;
}

/** Matrices of a batch lie one behind the other, each in rows with some numbers to spare. */
function checkBatch({ batch, m, n, k, transposed, beta = 0, spare = 0 }: Batch): void {
  const place = (rows: number, cols: number, turned: boolean) => {
    const ld = (turned ? rows : cols) + spare;
    const step = (turned ? cols : rows) * ld;
    return { step, row: turned ? 1 : ld, col: turned ? ld : 1, words: batch * step };
  };
  checkKernel("gemm_batch_f32", reference.gemm_batch_f32, {
    args: (memory) => {
      const [a, b] = [place(m, k, transposed === "a"), place(k, n, transposed === "b")];
      const c = place(m, n, false);
      const at = [memory.input(a.words), memory.input(b.words)];
      const out = memory.output(c.words - spare, { beta });
      return [batch, m, n, k, 0.75, at[0], a.step, a.row, a.col, at[1], b.step, b.row, b.col, beta, out, c.step, c.row];
    },
    atol: 4e-6 * Math.sqrt(k),
  });
}

for (const [m, n, k] of [
  [1, 1, 1],
  [5, 9, 3],
  [17, 16, 24],
  [141, 33, 384],
]) {
  test(`a batch of products of ${m} rows, ${n} columns and ${k} terms equals its reference`, () => {
    for (const batch of [1, 2, 5]) {
      checkBatch({ batch, m, n, k });
      checkBatch({ batch, m, n, k, transposed: "b", beta: 1 });
      checkBatch({ batch, m, n, k, transposed: "a", spare: 3 });
    }
  });
}
