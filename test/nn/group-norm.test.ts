import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { GroupNorm } from "../../src/nn/group-norm.js";
import { groupNorm } from "../../src/ops/group-norm.js";
import { init } from "../../src/runtime/context.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("a slice has as many groups over views of the first scales and shifts", async () => {
  await init();
  const norm = new GroupNorm(2, 8);
  norm.weight.write([1, 2, 3, 4, 5, 6, 7, 8]);
  const slice = norm.slice(4);
  assert.ok(slice.weight.storage === norm.weight.storage);
  const x = leaf([2, 3, 3, 4], 1);
  assert.equal(
    step(() => slice.forward(x).toArray()),
    step(() => groupNorm(x, 2, norm.weight.narrow(0, 0, 4), norm.bias.narrow(0, 0, 4)).toArray()),
  );
});

test("backward of a slice is the derivative and zero outside of it", async () => {
  await initDouble();
  const norm = new GroupNorm(2, 6);
  const x = leaf([2, 3, 3, 4], 1);
  gradcheck(() => norm.slice(4).forward(x, { relu: true }), [x, norm.weight, norm.bias]);
});
