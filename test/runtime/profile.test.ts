import * as assert from "uvu/assert";
import { dispose, init } from "../../src/runtime/context.js";
import { profileKernels } from "../../src/runtime/profile.js";
import { full } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

test("calls are counted and timed from the start of a profile on, and compute what they did before", async () => {
  await init();
  full([4], 1);
  const costs = profileKernels();
  assert.equal(costs(), []);
  const x = full([1 << 16], 2);
  for (let i = 0; i < 9; i++) full([4], 3);
  assert.is(x.toArray()[65535], 2);
  const [fill, ...others] = costs();
  assert.equal([fill.name, fill.calls, others.length], ["fill_f32", 10, 0]);
  assert.ok(fill.elapsedMs > 0);
});

test("a new runtime is not measured", async () => {
  await init();
  const costs = profileKernels();
  dispose();
  await init();
  full([4], 1);
  assert.equal(costs(), []);
});
