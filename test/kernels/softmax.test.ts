import * as assert from "uvu/assert";
import * as reference from "../reference/softmax.js";
import { checkKernel } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** rows, cols, and how far apart the rows of inputs and outputs lie. */
const shapes = [
  [5, 1, 1, 1],
  [5, 2, 2, 3],
  [7, 3, 5, 3],
  [5, 4, 4, 4],
  [3, 7, 9, 8],
  [6, 16, 16, 16],
  [5, 33, 40, 37],
  [4, 67, 67, 67],
  [5, 197, 200, 197],
  [0, 8, 8, 8],
];

for (const [rows, cols, ldx, ldy] of shapes) {
  test(`softmax and log-softmax of ${rows} x ${cols} with strides ${ldx} and ${ldy} equal their references`, () => {
    for (const temperature of [1, 0.07]) {
      checkKernel("softmax_f32", reference.softmax_f32, {
        args: (m) => [rows, cols, m.input(rows * ldx), ldx, temperature, 0, m.output(rows * ldy), ldy],
      });
      checkKernel("softmax_f32", reference.softmax_f32, {
        args: (m) => [rows, cols, m.input(rows * ldx), ldx, temperature, m.input(cols), m.output(rows * ldy), ldy],
      });
      checkKernel("log_softmax_f32", reference.log_softmax_f32, {
        args: (m) => [rows, cols, m.input(rows * ldx), ldx, temperature, m.output(rows * ldy), ldy],
      });
    }
  });

  for (const beta of [0, 1]) {
    test(`softmax gradients of ${rows} x ${cols} with strides ${ldx} and ${ldy} equal their references with beta ${beta}`, () => {
      for (const [name, kernel] of [
        ["softmax_grad_f32", reference.softmax_grad_f32],
        ["log_softmax_grad_f32", reference.log_softmax_grad_f32],
      ] as const) {
        checkKernel(name, kernel, {
          args: (m) => {
            const y = m.input(rows * ldx, { low: name === "softmax_grad_f32" ? 0 : -4, high: 0.5 });
            return [rows, cols, 0.3, y, ldx, m.input(rows * ldy), ldy, beta, m.output(rows * ldx, { beta }), ldx];
          },
          atol: 1e-5,
        });
      }
    });
  }
}

test("softmax and log-softmax may write over their input, also with a centre", () => {
  checkKernel("softmax_f32", reference.softmax_f32, {
    args: (m) => ((y) => [5, 13, y, 14, 0.5, m.input(13), y, 14])(m.output(70, { beta: 1 })),
  });
  checkKernel("log_softmax_f32", reference.log_softmax_f32, {
    args: (m) => ((y) => [5, 13, y, 14, 0.5, y, 14])(m.output(70, { beta: 1 })),
  });
});

test("softmax gradients may write over dy", () => {
  for (const [name, kernel] of [
    ["softmax_grad_f32", reference.softmax_grad_f32],
    ["log_softmax_grad_f32", reference.log_softmax_grad_f32],
  ] as const) {
    checkKernel(name, kernel, {
      args: (m) => ((dx) => [5, 13, 1, m.input(65), 13, dx, 13, 0, dx, 13])(m.output(65, { beta: 1 })),
    });
  }
});

function softmaxOf(values: readonly number[], temperature = 1): Float32Array {
  const cols = values.length;
  return runKernel("softmax_f32", (m) => [1, cols, m.input(values), cols, temperature, 0, m.output(cols), cols])[0];
}

test("softmax of large, infinite and NaN logits is what the limit demands", () => {
  assert.equal([...softmaxOf([3e38, 0, -3e38, -Infinity, 0])], [1, 0, 0, 0, 0]);
  assert.equal([...softmaxOf([1000, 1000, -1000, -Infinity], 0.01)], [0.5, 0.5, 0, 0]);
  assert.ok(softmaxOf([1, Number.NaN, 2, 3, 4]).every(Number.isNaN));
  assert.ok(softmaxOf([1, 2, 3, 4, Number.NaN]).every(Number.isNaN));
  assert.ok(softmaxOf([-Infinity, -Infinity]).every(Number.isNaN));
});

test("rows of softmax sum to 1 and every entry keeps its stated relative error", () => {
  for (const cols of [197, 1030, 65536]) {
    const logits = Float32Array.from({ length: cols }, (_, i) => -20 * Math.abs(Math.sin(i)));
    const y = softmaxOf([...logits]);
    const exact = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    const top = logits.reduce((most, value) => Math.max(most, value));
    const allowed = 6e-7 + 2e-10 * cols;
    assert.ok(Math.abs(y.reduce((sum, value) => sum + value, 0) - 1) < allowed, `sum of ${cols} entries`);
    for (let i = 0; i < y.length; i++) {
      const error = Math.abs(y[i] / (Math.exp(logits[i]) / exact) - 1);
      assert.ok(error < allowed + 1.2e-7 * (top - logits[i]), `entry ${i} of ${cols} has relative error ${error}`);
    }
  }
});
