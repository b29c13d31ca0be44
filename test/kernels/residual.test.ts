import * as reference from "../reference/residual.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

const batch = 4;
const index = [3, 1]; // samples whose branch was computed
const map = [-1, 1, -1, 0]; // and where each sample's branch lies
const scale = [1.25, 2, 0.5, 1];

interface Variant {
  name: string;
  subset: number;
  gamma: (m: TestMemory, width: number) => number;
  map: (m: TestMemory) => number;
  index: (m: TestMemory) => number;
  scale: (m: TestMemory) => number;
}

const variants: Variant[] = [
  { name: "plain", subset: 4, gamma: () => 0, map: () => 0, index: () => 0, scale: () => 0 },
  { name: "layer scale", subset: 4, gamma: (m, w) => m.input(w), map: () => 0, index: () => 0, scale: () => 0 },
  { name: "drop path", subset: 4, gamma: () => 0, map: () => 0, index: () => 0, scale: (m) => m.input(scale) },
  {
    name: "a subset",
    subset: 2,
    gamma: () => 0,
    map: (m) => m.ints(map),
    index: (m) => m.ints(index),
    scale: (m) => m.input(scale),
  },
  {
    name: "layer scale of a subset",
    subset: 2,
    gamma: (m, w) => m.input(w),
    map: (m) => m.ints(map),
    index: (m) => m.ints(index),
    scale: (m) => m.input(scale),
  },
];

for (const [tokens, width] of [
  [1, 1],
  [3, 16],
  [5, 13],
  [2, 35],
]) {
  const size = tokens * width;
  for (const variant of variants) {
    const { subset } = variant;
    test(`a residual, ${variant.name}, of ${tokens} tokens of width ${width} equals its reference`, () => {
      checkKernel("residual_f32", reference.residual_f32, {
        args: (m) => {
          const [x, branch] = [m.input(batch * size), m.input(subset * size)];
          return [
            batch,
            size,
            width,
            x,
            branch,
            variant.gamma(m, width),
            variant.map(m),
            variant.scale(m),
            m.output(batch * size),
          ];
        },
      });
    });

    for (const beta of [0, 1]) {
      test(`gradients of a residual, ${variant.name}, ${tokens} x ${width}, equal their references with beta ${beta}`, () => {
        checkKernel("residual_grad_branch_f32", reference.residual_grad_branch_f32, {
          args: (m) => {
            const lists = [variant.gamma(m, width), variant.index(m), variant.scale(m)];
            return [subset, size, width, m.input(batch * size), ...lists, beta, m.output(subset * size, { beta })];
          },
        });
        checkKernel("residual_grad_gamma_f32", reference.residual_grad_gamma_f32, {
          args: (m) => {
            const inputs = [m.input(batch * size), m.input(subset * size), variant.index(m), variant.scale(m)];
            return [width, size, subset, ...inputs, beta, m.output(width, { beta })];
          },
        });
      });
    }
  }
}

test("a residual may write over x", () => {
  checkKernel("residual_f32", reference.residual_f32, {
    args: (m) => {
      const x = m.output(batch * 26, { beta: 1 });
      return [batch, 26, 13, x, m.input(2 * 26), m.input(13), m.ints(map), m.input(scale), x];
    },
  });
});
