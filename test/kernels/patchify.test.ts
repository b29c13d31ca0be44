import * as reference from "../reference/patchify.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";

for (const [batch, channels, height, width, patch] of [
  [2, 3, 8, 12, 4],
  [1, 3, 16, 16, 8],
  [3, 1, 16, 32, 16],
  [2, 2, 10, 15, 5],
  [1, 3, 28, 14, 14],
  [2, 3, 3, 4, 1],
  [1, 1, 7, 7, 7],
  [0, 3, 8, 8, 4],
]) {
  test(`patches of ${patch} x ${patch} from [${batch}, ${channels}, ${height}, ${width}] equal their reference`, () => {
    const n = batch * channels * height * width;
    checkKernel("patchify_f32", reference.patchify_f32, {
      args: (m) => [(batch * height * width) / patch ** 2, channels, height, width, patch, m.input(n), m.output(n)],
      rtol: 0,
      atol: 0,
    });
  });
}
