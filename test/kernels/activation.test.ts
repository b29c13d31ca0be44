import * as assert from "uvu/assert";
import * as reference from "../reference/activation.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

for (const n of [0, 1, 2, 3, 4, 7, 8, 9, 15, 1027]) {
  test(`gelu of ${n} numbers and its gradient equal their references`, () => {
    checkKernel("gelu_f32", reference.gelu_f32, { args: (m) => [n, m.input(n, { low: -7, high: 7 }), m.output(n)] });
    for (const beta of [0, 1]) {
      checkKernel("gelu_grad_f32", reference.gelu_grad_f32, {
        args: (m) => [n, m.input(n, { low: -7, high: 7 }), m.input(n), beta, m.output(n, { beta })],
      });
    }
  });
}

test("gelu accepts addresses that are no multiple of 16 bytes and may write over its input", () => {
  checkKernel("gelu_f32", reference.gelu_f32, { args: (m) => [37, m.input(40) + 4, m.output(40) + 8] });
  checkKernel("gelu_f32", reference.gelu_f32, { args: (m) => ((y) => [37, y, y])(m.output(37, { beta: 1 })) });
  checkKernel("gelu_grad_f32", reference.gelu_grad_f32, {
    args: (m) => [37, m.input(40) + 12, m.input(40) + 4, 1, m.output(40, { beta: 1 }) + 8],
  });
});

/** A kernel applied to the given numbers, with dy = 1. */
function apply(values: Float32Array, kernel: "gelu_f32" | "gelu_grad_f32"): Float32Array {
  const n = values.length;
  const ones = new Float32Array(n).fill(1);
  return runKernel(kernel, (m) =>
    kernel === "gelu_f32" ? [n, m.input(values), m.output(n)] : [n, m.input(values), m.input(ones), 0, m.output(n)],
  )[0];
}

/** The reference in double precision. */
function exact(values: Float32Array, kernel: "gelu_f32" | "gelu_grad_f32"): Float64Array {
  const n = values.length;
  const f32 = new Float64Array(3 * n);
  f32.set(values);
  f32.fill(1, n, 2 * n);
  const heap = { f32, i32: f32, u8: new Uint8Array(), sizeBytes: 12 * n, copy() {}, grow() {} };
  if (kernel === "gelu_f32") reference.gelu_f32(heap, n, 0, 8 * n);
  else reference.gelu_grad_f32(heap, n, 0, 4 * n, 0, 8 * n);
  return f32.slice(2 * n);
}

test("gelu and its slope keep their stated error over the whole line", () => {
  const x = Float32Array.from({ length: 160_001 }, (_, i) => (i - 80_000) / 10_000);
  const [y, slope] = [apply(x, "gelu_f32"), apply(x, "gelu_grad_f32")];
  const [exactY, exactSlope] = [exact(x, "gelu_f32"), exact(x, "gelu_grad_f32")];
  for (let i = 0; i < x.length; i++) {
    assert.ok(Math.abs(y[i] - exactY[i]) <= Math.min(7.1e-7, 4.1e-7 * Math.abs(x[i])), `gelu(${x[i]}) = ${y[i]}`);
    assert.ok(Math.abs(slope[i] - exactSlope[i]) <= 3.4e-7, `slope at ${x[i]} = ${slope[i]}`);
  }
});

test("gelu is 0 or the identity far from 0, and NaN stays NaN", () => {
  const x = Float32Array.of(-1e30, -50, -8, 8, 50, 1e30, Number.NaN);
  const y = apply(x, "gelu_f32");
  assert.equal([...y.filter((_, i) => i !== 2)].map(Math.abs), [0, 0, 8, 50, x[5], Number.NaN]);
  assert.ok(y[2] <= 0 && y[2] > -1e-10, `gelu(-8) = ${y[2]}`);
  assert.equal([...apply(x, "gelu_grad_f32").subarray(0, 3)].map(Math.abs), [0, 0, 0]);
  assert.equal([...apply(x, "gelu_grad_f32").subarray(3)], [1, 1, 1, Number.NaN]);
});

for (const n of [0, 1, 3, 4, 7, 8, 9, 15, 1027]) {
  test(`relu of ${n} numbers, after a sum too, and its gradient equal their references`, () => {
    checkKernel("relu_f32", reference.relu_f32, { args: (m) => [n, m.input(n), m.output(n)] });
    checkKernel("add_relu_f32", reference.add_relu_f32, { args: (m) => [n, m.input(n), m.input(n), m.output(n)] });
    for (const beta of [0, 1]) {
      checkKernel("relu_grad_f32", reference.relu_grad_f32, {
        args: (m) => [n, m.input(n), m.input(n), beta, m.output(n, { beta })],
      });
    }
  });
}

test("relu, the sum before it and its gradient may write over an input, at addresses that are no multiple of 16 bytes", () => {
  const written = (m: TestMemory) => m.output(40, { beta: 1 }) + 8;
  checkKernel("relu_f32", reference.relu_f32, { args: (m) => ((y) => [37, y, y])(written(m)) });
  checkKernel("add_relu_f32", reference.add_relu_f32, {
    args: (m) => ((y) => [37, y, m.input(40) + 4, y])(written(m)),
  });
  checkKernel("relu_grad_f32", reference.relu_grad_f32, {
    args: (m) => ((dx) => [37, m.input(40) + 12, dx, 0, dx])(written(m)),
  });
});

test("NaN stays NaN through relu and lets the gradient pass; at 0 there is none", () => {
  const x = Float32Array.of(-1, 0, 2, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const [y] = runKernel("relu_f32", (m) => [6, m.input(x), m.output(6)]);
  assert.equal([...y], [0, 0, 2, Number.NaN, 0, Number.POSITIVE_INFINITY]);
  const dy = Float32Array.of(1, 2, 3, 4, 5, 6);
  const [dx] = runKernel("relu_grad_f32", (m) => [6, m.input(y), m.input(dy), 0, m.output(6)]);
  assert.equal([...dx], [0, 0, 3, 4, 0, 6]);
});
