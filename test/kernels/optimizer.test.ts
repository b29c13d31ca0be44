import * as assert from "uvu/assert";
import * as reference from "../reference/optimizer.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";

/** Numbers that the kernel updates in place. */
const inPlace = (m: TestMemory, n: number) => m.output(n, { beta: 1 });

/** Non-negative numbers that the kernel updates in place. */
function squares(m: TestMemory, n: number): number {
  const ptr = inPlace(m, n);
  for (let i = 0; i < n; i++) m.heap.f32[(ptr >> 2) + i] **= 2;
  return ptr;
}

const coefficients = [2e-4, 0.04, 0.1, 0.001, 1e-8, 20, 0.7];

for (const n of [1, 3, 4, 101, 2050]) {
  test(`an AdamW update of ${n} numbers equals its reference`, () => {
    checkKernel("adamw_f32", reference.adamw_f32, {
      args: (m) => [n, inPlace(m, n), m.input(n), inPlace(m, n), squares(m, n), ...coefficients, 0, 0],
    });
    checkKernel("adamw_f32", reference.adamw_f32, {
      args: (m) => [
        ...[n, inPlace(m, n), m.input(n), inPlace(m, n), squares(m, n), ...coefficients, inPlace(m, n), 0.008],
      ],
    });
  });

  test(`a descent step of ${n} numbers equals its reference`, () => {
    checkKernel("sgd_f32", reference.sgd_f32, {
      args: (m) => [n, inPlace(m, n), m.input(n), inPlace(m, n), 0.3, 0.9, 0.05, 0.5],
    });
  });

  test(`a moving average of ${n} numbers equals its reference`, () => {
    checkKernel("ema_f32", reference.ema_f32, { args: (m) => [n, 0.008, m.input(n), inPlace(m, n)] });
  });
}

test("a zero gradient leaves zero moments and only decays the weight", () => {
  checkKernel("adamw_f32", reference.adamw_f32, {
    args: (m) => {
      const moments = [m.output(5), m.output(5)];
      for (const ptr of moments) m.heap.f32.fill(0, ptr >> 2, (ptr >> 2) + 5);
      return [5, inPlace(m, 5), m.input(new Array(5).fill(0)), ...moments, 0.01, 1, 0.1, 0.001, 1e-8, 31, 1, 0, 0];
    },
    atol: 0,
    rtol: 1e-7,
  });
});

test("a teacher in the update has the bits of a moving average after it", () => {
  const n = 2050;
  const update = (m: TestMemory) => [n, inPlace(m, n), m.input(n), inPlace(m, n), squares(m, n), ...coefficients];
  const [p, , , t] = runKernel("adamw_f32", (m) => [...update(m), inPlace(m, n), 0.008]);
  const [alone] = runKernel("adamw_f32", (m) => [...update(m), 0, 0]);
  const [after] = runKernel("ema_f32", (m) => {
    update(m);
    const teacher = inPlace(m, n);
    m.blocks.length = 0;
    const student = m.input(p);
    m.blocks.push({ label: "teacher", ptr: teacher, words: n, output: true, before: m.words(teacher, n) });
    return [n, 0.008, student, teacher];
  });
  assert.equal(p, alone);
  assert.equal(t, after);
});
