import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/gemm-i8.js";
import { checkKernel, kernelsOn, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

const pairsOf = (k: number) => Math.ceil(k / 2);

/** Two signed halves of a word each, within the limit. */
function halves(memory: TestMemory, count: number, limit: number): number {
  const next = seeded(count);
  const values = Int16Array.from({ length: 2 * count }, () => Math.round((2 * next() - 1) * limit));
  return memory.ints(new Int32Array(values.buffer));
}

function weights(memory: TestMemory, count: number): number {
  const next = seeded(count + 1);
  return memory.bytes(Uint8Array.from({ length: count }, () => Math.round((2 * next() - 1) * 127) & 255));
}

for (const rows of [0, 1, 3, 4, 9, 130]) {
  for (const k of [1, 2, 3, 4, 7, 64, 95]) {
    test(`${rows} rows of ${k} numbers are rounded to whole numbers as by their reference`, () => {
      for (const limit of [127, 32767]) {
        checkKernel("pack_a_i16", reference.pack_a_i16, {
          compare: "i32",
          args: (memory) => {
            const strips = Math.ceil(rows / 4);
            const x = memory.input(rows * (k + 3));
            const packed = memory.output(4 * strips * pairsOf(k), { label: "packed" });
            return [strips, k, rows, x, k + 3, limit, packed, memory.output(4 * strips, { label: "scales" })];
          },
        });
      }
    });
  }
}

for (const n of [0, 1, 8, 13, 40]) {
  test(`a weight of ${n} rows is rounded to bytes as by its reference`, () => {
    for (const k of [1, 2, 5, 64, 95]) {
      checkKernel("pack_b_i8", reference.pack_b_i8, {
        compare: "i32",
        args: (memory) => {
          const panels = Math.ceil(n / 8);
          const w = memory.input(n * (k + 1));
          const packed = memory.output(4 * panels * pairsOf(k), { label: "packed" });
          return [panels, n, k, w, k + 1, packed, memory.output(8 * panels, { label: "scales" })];
        },
      });
    }
  });
}

test("rows of zeros have scale 0, those that are not finite scale NaN, which all their products are", () => {
  const heap = new WasmHeap({ initialBytes: 1 << 24, limitBytes: 1 << 26 });
  const kernels = kernelsOn(heap);
  const [x, w, a, b, s, t, c, scratch] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => (1 << 20) + (i << 12));
  heap.f32.set([0, 0, 0, 0, 0, 1, Number.NaN, 2, 3, 1, 1, Number.NEGATIVE_INFINITY, 2, 3, 4, 5, -7, 6, 5, 0], x >> 2);
  heap.f32.set([7, 7, 7, 7, 7], w >> 2);
  kernels.pack_a_i16(1, 5, 4, x, 5, 7, a, s, 0, 1);
  kernels.pack_b_i8(1, 1, 5, w, 5, b, t, 0, 1);
  kernels.gemm_i8(1, 1, 5, 4, a, s, b, t, 0, c, 1, scratch, 0, 1);
  assert.equal([...heap.f32.slice(s >> 2, (s >> 2) + 4)], [0, Number.NaN, Number.NaN, 1]);
  const products = [...heap.f32.slice(c >> 2, (c >> 2) + 4)];
  assert.equal(products.slice(0, 3), [0, Number.NaN, Number.NaN]);
  assert.ok(Math.abs(products[3] - 63) < 1e-5, String(products[3]));
});

for (const rows of [0, 1, 4, 7, 77]) {
  for (const n of [1, 8, 13, 48]) {
    test(`${rows} rows by ${n} columns of whole numbers give the bits of their reference`, () => {
      for (const [k, biased, spare] of [
        [1, true, 0],
        [6, false, 3],
        [95, true, 5],
      ] as const) {
        checkKernel("gemm_i8", reference.gemm_i8, {
          compare: "i32",
          args: (memory) => {
            const [strips, panels, pairs] = [Math.ceil(rows / 4), Math.ceil(n / 8), pairsOf(k)];
            const a = halves(memory, 4 * strips * pairs, 32767);
            const rowScales = memory.input(4 * strips, { low: 0 });
            const b = weights(memory, 16 * panels * pairs);
            const columnScales = memory.input(8 * panels, { low: 0 });
            const bias = biased ? memory.input(n) : 0;
            const c = memory.output(Math.max(0, rows - 1) * (n + spare) + (rows > 0 ? n : 0));
            return [strips, n, k, rows, a, rowScales, b, columnScales, bias, c, n + spare];
          },
        });
      }
    });
  }
}

test("the largest sum that is allowed does not overflow", () => {
  const heap = new WasmHeap({ initialBytes: 1 << 24, limitBytes: 1 << 26 });
  const kernels = kernelsOn(heap);
  const [k, limit] = [6000, Math.floor((2 ** 31 - 1) / (127 * 6000))];
  const at = (1 << 20) + (1 << 16);
  heap.f32.fill(-1, at >> 2, (at >> 2) + 4 * k);
  heap.f32.fill(1, (at + (1 << 18)) >> 2, ((at + (1 << 18)) >> 2) + 8 * k);
  const [x, w, a, b, s, t, c] = [0, 1, 2, 3, 4, 5, 6].map((i) => at + (i << 18));
  kernels.pack_a_i16(1, k, 4, x, k, limit, a, s, 0, 1);
  kernels.pack_b_i8(1, 8, k, w, k, b, t, 0, 1);
  kernels.gemm_i8(1, 8, k, 4, a, s, b, t, 0, c, 8, at + (8 << 18), 0, 1);
  const got = heap.f32.slice(c >> 2, (c >> 2) + 32);
  assert.ok(got.every((value) => Math.abs(value + k) < 0.01));
});
