import * as assert from "uvu/assert";
import { type KernelName, signatures } from "../../src/runtime/kernels.js";
import { costs, grainOf, LEAST_SHARED_US } from "../../src/runtime/work.js";
import { test } from "../support/test.js";

const names = Object.keys(signatures) as KernelName[];
const extentsOf = (name: KernelName, size: number) => signatures[name].extents.map(() => size);

test("every kernel has a cost, which grows with its extents and is nothing for none", () => {
  for (const name of names) {
    const [none, some, more] = [0, 10, 100].map((size) => costs[name](...extentsOf(name, size)));
    assert.is(none, 0, name);
    assert.ok(some > 0 && more >= 10 * some * 0.999 && Number.isFinite(more), `${name}: ${some}, ${more}`);
  }
});

test("sizes come first, without strides, addresses or what follows them", () => {
  assert.equal([...signatures.gemm_f32.extents], ["m", "n", "k"]);
  assert.equal([...signatures.copy_f32.extents], ["d0", "d1", "d2", "d3"]);
  assert.equal([...signatures.softmax_f32.extents], ["rows", "cols"]);
});

test("a product of a million operations is worth dividing, one of a tenth is not", () => {
  assert.ok(costs.gemm_f32(100, 80, 64) >= LEAST_SHARED_US);
  assert.ok(costs.gemm_f32(32, 64, 25) < LEAST_SHARED_US);
});

test("what only moves numbers is divided later than what computes", () => {
  assert.ok(costs.add_f32(100_000) < LEAST_SHARED_US);
  assert.ok(costs.gelu_f32(100_000) > LEAST_SHARED_US);
});

test("random numbers cost what their count says, whatever their key", () => {
  assert.is(costs.uniform_f32(100, 1, 2, 3, 4), costs.uniform_f32(100, 5, 6, 7, 8));
});

test("parts along neighbouring numbers begin on cache lines, parts of a product at whole strips", () => {
  assert.equal([grainOf("gelu_f32", 1e6), grainOf("column_sum_f32", 20)], [16, 16]);
  assert.is(grainOf("gemm_f32", 10), 4);
  assert.equal([grainOf("attention_f32", 8), grainOf("attention_f32", 256)], [1, 4]);
});
