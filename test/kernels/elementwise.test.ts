import * as reference from "../reference/elementwise.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

const sizes = [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 1027];

for (const n of sizes) {
  test(`sums, differences and products of ${n} numbers equal their references`, () => {
    checkKernel("add_f32", reference.add_f32, { args: (m) => [n, m.input(n), m.input(n), m.output(n)] });
    checkKernel("subtract_f32", reference.subtract_f32, { args: (m) => [n, m.input(n), m.input(n), m.output(n)] });
    checkKernel("multiply_f32", reference.multiply_f32, { args: (m) => [n, m.input(n), m.input(n), m.output(n)] });
    checkKernel("fill_f32", reference.fill_f32, { args: (m) => [n, 0.75, m.output(n)] });
  });

  for (const beta of [0, 1]) {
    test(`scaled copies and product gradients of ${n} numbers equal their references with beta ${beta}`, () => {
      checkKernel("scale_f32", reference.scale_f32, {
        args: (m) => [n, -1.5, m.input(n), beta, m.output(n, { beta })],
      });
      checkKernel("multiply_grad_f32", reference.multiply_grad_f32, {
        args: (m) => [n, m.input(n), m.input(n), beta, m.output(n, { beta })],
      });
    });
  }
}

test("elementwise kernels accept addresses that are no multiple of 16 bytes", () => {
  checkKernel("add_f32", reference.add_f32, { args: (m) => [37, m.input(40) + 4, m.input(40) + 8, m.output(40) + 12] });
  checkKernel("scale_f32", reference.scale_f32, { args: (m) => [37, 2, m.input(40) + 4, 0, m.output(40) + 8] });
});

test("elementwise kernels may write over their input", () => {
  const inPlace = (m: { output: (n: number, options: object) => number }) => m.output(37, { beta: 1 });
  checkKernel("add_f32", reference.add_f32, { args: (m) => ((y) => [37, y, m.input(37), y])(inPlace(m)) });
  checkKernel("subtract_f32", reference.subtract_f32, { args: (m) => ((y) => [37, m.input(37), y, y])(inPlace(m)) });
  checkKernel("multiply_f32", reference.multiply_f32, { args: (m) => ((y) => [37, y, y, y])(inPlace(m)) });
  checkKernel("scale_f32", reference.scale_f32, { args: (m) => ((y) => [37, 0.5, y, 0, y])(inPlace(m)) });
});

for (const [rows, cols, ldx, ldy] of [
  [5, 16, 16, 16],
  [7, 13, 20, 15],
  [1, 1, 1, 1],
  [3, 33, 40, 33],
  [0, 8, 8, 8],
]) {
  test(`adding a row to ${rows} x ${cols} with strides ${ldx} and ${ldy} equals its reference`, () => {
    checkKernel("add_row_f32", reference.add_row_f32, {
      args: (m) => [rows, cols, m.input(rows * ldx), ldx, m.input(cols), m.output(rows * ldy), ldy],
    });
  });
}

type Axes = readonly [number, number, number, number];

/** Words that a strided block spans. */
const span = (shape: Axes, strides: Axes) => 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 0);

function checkCopy(shape: Axes, from: Axes, to: Axes, beta: number): void {
  checkKernel("copy_f32", reference.copy_f32, {
    args: (m) => [...shape, m.input(span(shape, from)), ...from, beta, m.output(span(shape, to), { beta }), ...to],
  });
}

const layouts: { name: string; shape: Axes; from: Axes; to: Axes }[] = [
  { name: "dense to dense", shape: [3, 2, 5, 7], from: [70, 35, 7, 1], to: [70, 35, 7, 1] },
  { name: "narrowed rows to dense", shape: [2, 3, 5, 18], from: [450, 150, 30, 1], to: [270, 90, 18, 1] },
  { name: "dense to narrowed rows", shape: [2, 3, 5, 18], from: [270, 90, 18, 1], to: [450, 150, 30, 1] },
  { name: "heads out of a token", shape: [2, 3, 6, 16], from: [288, 16, 48, 1], to: [288, 96, 16, 1] },
  { name: "transposed planes", shape: [2, 3, 19, 22], from: [1254, 418, 1, 19], to: [1254, 418, 22, 1] },
  { name: "planes to transposed", shape: [2, 1, 19, 22], from: [418, 418, 22, 1], to: [418, 418, 1, 19] },
  { name: "a transposed matrix", shape: [37, 1, 1, 21], from: [1, 1, 1, 37], to: [21, 21, 21, 1] },
  { name: "a transposed matrix of one column", shape: [37, 1, 1, 1], from: [1, 1, 1, 40], to: [3, 1, 1, 1] },
  { name: "all axes reversed", shape: [3, 4, 5, 6], from: [1, 3, 12, 60], to: [120, 30, 6, 1] },
  { name: "every second number", shape: [2, 2, 3, 5], from: [60, 30, 10, 2], to: [30, 15, 5, 1] },
  { name: "a repeated row", shape: [6, 1, 1, 19], from: [0, 0, 0, 1], to: [19, 19, 19, 1] },
  { name: "a repeated number", shape: [1, 1, 3, 50], from: [0, 0, 0, 0], to: [150, 150, 50, 1] },
];

for (const { name, shape, from, to } of layouts) {
  for (const beta of [0, 1]) {
    test(`a strided copy, ${name}, equals its reference with beta ${beta}`, () => checkCopy(shape, from, to, beta));
  }
}

test("a strided copy moves integers unchanged", () => {
  const integers = [1, 255, 65536, 0x7f7fffff, -0x80000000, 0, 3, 4];
  checkKernel("copy_f32", reference.copy_f32, {
    args: (m) => [8, 1, 1, 1, m.ints(integers), 1, 1, 1, 1, 0, m.output(16), 2, 1, 1, 1],
    compare: "i32",
  });
  checkKernel("copy_f32", reference.copy_f32, {
    args: (m) => [1, 1, 1, 8, m.ints(integers), 8, 8, 8, 1, 0, m.output(8), 8, 8, 8, 1],
    compare: "i32",
  });
});
