import * as reference from "../reference/pack.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

interface Packing {
  k: number;
  n: number;
  rowStride: number;
  colStride: number;
}

function check({ k, n, rowStride, colStride }: Packing): void {
  const panels = Math.ceil(n / 8);
  checkKernel("pack_b_f32", reference.pack_b_f32, {
    args: (m) => {
      const b = m.input((k - 1) * rowStride + (n - 1) * colStride + 1);
      return [panels, k, n, b, rowStride, colStride, m.output(8 * panels * k)];
    },
    atol: 0,
    rtol: 0,
  });
}

for (const n of [1, 7, 8, 10, 24, 41]) {
  for (const k of [1, 3, 4, 9]) {
    test(`a ${k}×${n} matrix is packed exactly, padded with zeros`, () => {
      check({ k, n, rowStride: n, colStride: 1 });
    });
    test(`the transpose of a ${n}×${k} matrix is packed exactly, padded with zeros`, () => {
      check({ k, n, rowStride: 1, colStride: k });
    });
  }
}

test("a slice of a wider matrix is packed without its surroundings", () => {
  check({ k: 6, n: 16, rowStride: 21, colStride: 1 });
  check({ k: 6, n: 16, rowStride: 1, colStride: 11 });
});

test("a matrix with no unit stride is packed exactly", () => {
  check({ k: 5, n: 11, rowStride: 2, colStride: 10 });
  check({ k: 5, n: 16, rowStride: 33, colStride: 2 });
});
