import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/random.js";
import { checkKernel, kernelsOn } from "../support/kernels.js";
import { test } from "../support/test.js";

const KEY = [0x9e3779b9, 0xffffffff]; // beyond the positive half of i32
const Y = 1 << 20;

/** The first n numbers that a kernel writes. */
function draw(n: number, run: (raw: ReturnType<typeof kernelsOn>) => void): Float32Array {
  const heap = new WasmHeap({ initialBytes: Y + 4 * n });
  run(kernelsOn(heap));
  return heap.f32.slice(Y >> 2, (Y >> 2) + n);
}

for (const n of [1, 3, 4, 103]) {
  test(`${n} uniform numbers equal their reference`, () => {
    checkKernel("uniform_f32", reference.uniform_f32, {
      args: (m) => [n, ...KEY, 7, 0, -3, 2, m.output(n)],
      rtol: 3e-7,
    });
  });

  test(`${n} normal numbers equal their reference`, () => {
    checkKernel("normal_f32", reference.normal_f32, {
      args: (m) => [n, ...KEY, 7, 1, 0.5, 2, m.output(n)],
      rtol: 1e-7,
    });
  });

  test(`${n} truncated normal numbers equal their reference`, () => {
    const args = [...KEY, 0, 0, 0, 0.5, -0.5, 2];
    checkKernel("truncated_normal_f32", reference.truncated_normal_f32, {
      args: (m) => [n, ...args, m.output(n)],
      rtol: 1e-7,
    });
  });
}

test("the block counter carries into its second word", () => {
  const args = [...KEY, 0xfffffffe, 0xffffffff, 0, 1];
  checkKernel("uniform_f32", reference.uniform_f32, { args: (m) => [20, ...args, m.output(20)], rtol: 3e-7 });
});

test("a truncated normal far wider than its deviation is a normal", () => {
  const n = 64;
  const cut = draw(n, (raw) => raw.truncated_normal_f32(n, 1, 2, 0, 0, 0, Math.fround(0.02), -2, 2, Y, 0, n));
  const whole = draw(n, (raw) => raw.normal_f32(n, 1, 2, 0, 0, 0, Math.fround(0.02), Y, 0, n));
  assert.equal(cut, whole);
});

test("bounds in the far tail hold", () => {
  for (const x of draw(32, (raw) => raw.truncated_normal_f32(32, 1, 2, 0, 0, 0, 1, 20, 21, Y, 0, 32))) {
    assert.ok(x >= 20 && x <= 21, `${x}`);
  }
});

test("many normal numbers have mean 0 and variance 1, none is infinite", () => {
  const n = 200_000;
  const values = draw(n, (raw) => raw.normal_f32(n, 5, 6, 0, 0, 0, 1, Y, 0, n));
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + x * x, 0) / n;
  assert.ok(Math.abs(mean) < 0.01, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.015, `variance ${variance}`);
  assert.ok(values.every(Number.isFinite));
});
