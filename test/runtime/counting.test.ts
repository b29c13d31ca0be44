import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { MemoryError } from "../../src/errors.js";
import { matmul } from "../../src/ops/matmul.js";
import { sum } from "../../src/ops/reduce.js";
import { dispose, init, memory, runtime } from "../../src/runtime/context.js";
import { Counter } from "../../src/runtime/counting.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray, full, persistent } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** Persistent and step memory, of some sizes. */
function work(): void {
  persistent([3000]);
  step(() => {
    for (let i = 0; i < 5; i++) empty([500_000 * (i + 1)]);
    sum(matmul(full([20, 30], 1), full([30, 40], 1)));
  });
  persistent([1_500_000]);
  step(() => empty([100]));
}

test("allocations take the places that they take in a real runtime, for any number of threads", async () => {
  for (const threads of [1, 2]) {
    const counter = new Counter({ threads });
    counter.run(work);
    await init({ threads });
    work();
    const { persistentBytes, peakStepBytes, heapBytes } = memory();
    assert.equal(counter.bytes, { persistentBytes, peakStepBytes, heapBytes, outsideBytes: 0 });
  }
});

test("nothing is kept: what has been written reads as zero, dense or strided", () => {
  new Counter().run(() => {
    const x = fromArray([1, 2, 3, 4], [2, 2]);
    assert.equal([...x.toArray(), ...x.permute([1, 0]).toArray()], new Array(8).fill(0));
    x.select(1, 0).write([5, 6]);
    assert.is(full([], 7).item(), 0);
    assert.is(runtime().outside(100)[3], 0);
  });
});

test("products and costs are counted, and memory outside", () => {
  const counter = new Counter();
  counter.run(() => {
    step(() => matmul(full([20, 30], 1), full([30, 40], 1)));
    runtime().outside(25);
  });
  assert.is(counter.multiplyAdds, 20 * 30 * 40);
  assert.ok(counter.serialUs > 0);
  assert.is(counter.bytes.outsideBytes, 100);
});

test("a limit holds as in a real runtime", () => {
  const counter = new Counter({ limitBytes: 64 << 20 });
  counter.run(() => persistent([10 << 20]));
  refuses(() => counter.run(() => persistent([10 << 20])), MemoryError, "64 MiB are allowed");
});

test("the live runtime, or that there is none, is as before, also after a throw", async () => {
  await init();
  const x = full([2], 3);
  const [live, door] = [runtime(), kernels];
  assert.throws(() =>
    new Counter().run(() => {
      throw new Error("on purpose");
    }),
  );
  assert.ok(runtime() === live && kernels === door);
  assert.equal([...x.toArray()], [3, 3]);
  dispose();
  new Counter().run(() => full([2], 1));
  assert.throws(() => runtime());
  assert.throws(() => full([2], 1));
});
