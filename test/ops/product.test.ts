import * as assert from "uvu/assert";
import { product } from "../../src/ops/product.js";
import { init, runtime } from "../../src/runtime/context.js";
import { fromArray, full } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

interface Sizes {
  m: number;
  n: number;
  k: number;
}

/** Element (i, j) of A·B in double precision. */
function sum(a: ArrayLike<number>, b: ArrayLike<number>, { n, k }: Sizes, i: number, j: number): number {
  let total = 0;
  for (let p = 0; p < k; p++) total += Math.fround(a[i * k + p]) * Math.fround(b[p * n + j]);
  return total;
}

for (const k of [0, 1, 384, 385, 769, 1000]) {
  test(`a product over ${k} terms has one bias and one prior value, however many blocks sum it`, async () => {
    await init();
    const sizes = { m: 5, n: 11, k };
    const [a, b] = [numbers([5, k], 1), numbers([k, 11], 2)];
    const [left, right, bias] = [fromArray(a, [5, k]), fromArray(b, [k, 11]), full([11], 3)];
    const call = { ...sizes, a: left.ptr, aRow: k, aCol: 1, b: right.ptr, bRow: 11, bCol: 1, ldc: 11 };
    const overwritten = full([5, 11], Number.NaN);
    const added = full([5, 11], 2);
    product({ ...call, alpha: 0.5, bias: bias.ptr, beta: 0, c: overwritten.ptr });
    product({ ...call, beta: 1, c: added.ptr });
    const [first, second] = [overwritten.toArray(), added.toArray()];
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 11; j++) {
        const expected = sum(a, b, sizes, i, j);
        assert.ok(Math.abs(first[i * 11 + j] - (0.5 * expected + 3)) < 2e-5);
        assert.ok(Math.abs(second[i * 11 + j] - (expected + 2)) < 4e-5);
      }
    }
  });
}

test("a product leaves no temporary behind, outside a step too", async () => {
  await init();
  const x = full([16, 16], 1);
  const before = runtime().persistent.usedBytes;
  const call = { m: 16, n: 16, k: 16, a: x.ptr, aRow: 16, aCol: 1, b: x.ptr, bRow: 16, bCol: 1, ldc: 16 };
  const y = full([16, 16], 0);
  product({ ...call, beta: 0, c: y.ptr });
  assert.is(y.toArray()[0], 16);
  assert.is(runtime().step.usedBytes, 0);
  assert.is(runtime().persistent.usedBytes, before + 4 * 256);
});

test("a result wider than one block has the right bias in every column", async () => {
  await init();
  const [m, n, k] = [3, 1037, 400];
  const [a, b, bias] = [numbers([m, k], 1), numbers([k, n], 2), numbers([n], 3)];
  const [left, right, added] = [fromArray(a, [m, k]), fromArray(b, [k, n]), fromArray(bias, [n])];
  const y = full([m, n], Number.NaN);
  const call = { m, n, k, a: left.ptr, aRow: k, aCol: 1, b: right.ptr, bRow: n, bCol: 1, ldc: n };
  product({ ...call, bias: added.ptr, beta: 0, c: y.ptr });
  const values = y.toArray();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) assert.ok(Math.abs(values[i * n + j] - sum(a, b, { m, n, k }, i, j) - bias[j]) < 2e-5);
  }
});
