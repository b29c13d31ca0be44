import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/log-distance.js";
import { checkKernel, kernelsOn } from "../support/kernels.js";
import { test } from "../support/test.js";

for (const [rows, cols] of [
  [2, 1],
  [3, 4],
  [9, 23],
]) {
  const ldz = cols + 3;
  const neighbours = Array.from({ length: rows }, (_, r) => (r === 0 ? rows - 1 : 0)); // row 0 is everybody's neighbour

  test(`log distances of ${rows} rows of ${cols} equal their reference`, () => {
    checkKernel("log_distance_f32", reference.log_distance_f32, {
      args: (m) => [rows, cols, m.input(rows * ldz), ldz, m.ints(neighbours), 1e-3, m.output(rows), m.output(rows)],
    });
  });

  for (const beta of [0, 1]) {
    test(`their gradient equals its reference, ${rows} rows of ${cols}, beta ${beta}`, () => {
      checkKernel("log_distance_grad_f32", reference.log_distance_grad_f32, {
        args: (m) => [
          ...[cols, rows, m.input(rows * cols), cols, m.ints(neighbours), 1e-3],
          ...[m.input(rows, { low: 0.5, high: 2 }), m.input(rows), beta, m.output(rows * cols, { beta })],
        ],
      });
    });
  }
}

test("the gradient leaves the gaps between strided rows alone", () => {
  const gap = [0, 0, 0, 0, 0].map(() => 7);
  checkKernel("log_distance_grad_f32", reference.log_distance_grad_f32, {
    args: (m) => {
      const dz = m.output(10, { beta: 1 });
      m.heap.f32.set(gap, (dz >> 2) + 5);
      return [3, 2, m.input(10), 5, m.ints([1, 0]), 1e-8, m.input([1, 2]), m.input([1, -1]), 0, dz];
    },
  });
});

test("a distance of zero has no gradient, an undefined one stays undefined", () => {
  const heap = new WasmHeap();
  const raw = kernelsOn(heap);
  const [z, neighbour, distance, y, dz] = [0, 1, 2, 3, 4].map((i) => (1 << 20) + 1024 * i);
  heap.f32.set([1, 2, 1, 2, Number.NaN, 0], z >> 2);
  heap.i32.set([1, 0, 1], neighbour >> 2);
  raw.log_distance_f32(3, 2, z, 2, neighbour, 0, distance, y, 0, 3);
  assert.equal(
    [...heap.f32.slice(y >> 2, (y >> 2) + 3)],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN],
  );
  heap.f32.set([1, 1, 0], y >> 2);
  raw.log_distance_grad_f32(2, 3, z, 2, neighbour, 0, distance, y, 0, dz, 0, 2);
  assert.equal([...heap.f32.slice(dz >> 2, (dz >> 2) + 2)], [0, 0]);
  assert.ok(Number.isNaN(heap.f32[(dz >> 2) + 4]));
});
