import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/sinkhorn.js";
import { checkKernel, kernelsOn } from "../support/kernels.js";
import { test } from "../support/test.js";

const positive = { low: 0.1, high: 2 };

for (const n of [1, 3, 4, 203]) {
  test(`the exponential of ${n} logits equals its reference`, () => {
    checkKernel("sinkhorn_exp_f32", reference.sinkhorn_exp_f32, {
      args: (m) => [n, m.input(n), 0.05, m.input([0.9]), m.output(n)],
      atol: 0,
      rtol: 1e-5,
    });
  });
}

for (const [rows, cols] of [
  [1, 1],
  [3, 5],
  [4, 64],
  [9, 1047],
  [6, 2050],
]) {
  test(`column sums of ${rows} × ${cols} equal their reference`, () => {
    checkKernel("sinkhorn_column_sums_f32", reference.sinkhorn_column_sums_f32, {
      args: (m) => [cols, rows, m.input(rows * cols, positive), m.input(rows, positive), m.output(cols)],
    });
  });

  test(`${cols} shares equal their reference`, () => {
    checkKernel("sinkhorn_shares_f32", reference.sinkhorn_shares_f32, {
      args: (m) => [cols, m.input(cols, positive), rows / cols, m.output(cols)],
    });
  });

  test(`row scales of ${rows} × ${cols} equal their reference`, () => {
    checkKernel("sinkhorn_rows_f32", reference.sinkhorn_rows_f32, {
      args: (m) => [rows, cols, m.input(rows * cols, positive), m.input(cols, positive), m.output(rows)],
    });
  });

  test(`scaling ${rows} × ${cols} in place equals its reference`, () => {
    checkKernel("sinkhorn_scale_f32", reference.sinkhorn_scale_f32, {
      args: (m) => [rows, cols, m.input(rows), m.input(cols), m.output(rows * cols, { beta: 1 })],
    });
  });
}

test("the exponential never underflows and keeps NaN", () => {
  const heap = new WasmHeap();
  const [x, shift, y] = [0, 1, 2].map((i) => (1 << 20) + 256 * i);
  heap.f32.set([1, -1e6, Number.NaN, Number.NEGATIVE_INFINITY, -1e6], x >> 2);
  heap.f32[shift >> 2] = 1;
  kernelsOn(heap).sinkhorn_exp_f32(5, x, 0.04, shift, y, 0, 5);
  const values = heap.f32.slice(y >> 2, (y >> 2) + 5);
  assert.is(values[0], 1);
  assert.ok(Number.isNaN(values[2]));
  for (const i of [1, 3, 4]) assert.ok(values[i] > 1.7e-35 && values[i] < 1.9e-35, `${values[i]}`);
});
