import * as reference from "../reference/activation.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

for (const n of [1, 3, 4, 1027]) {
  test(`gelu of ${n} numbers equals its reference`, () => {
    checkKernel("gelu_f32", reference.gelu_f32, { args: (m) => [n, m.input(n, { low: -6, high: 6 }), m.output(n)], grain: 4 });
  });
}
