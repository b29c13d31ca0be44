import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { scale } from "../../src/ops/elementwise.js";
import { mean, squaredNorm, sum, sumInto, weightedSum } from "../../src/ops/reduce.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("sum and mean of a few numbers are exact", async () => {
  await init();
  const x = fromArray([1, -2, 3, 4.5], [2, 2]);
  assert.is(
    step(() => sum(x).item()),
    6.5,
  );
  assert.is(
    step(() => mean(x).item()),
    1.625,
  );
  assert.equal(
    step(() => sum(x).shape),
    [],
  );
  assert.is(
    step(() => sum(x.select(1, 1)).item()),
    2.5,
  );
  assert.is(
    step(() => mean(x.select(1, 1)).item()),
    1.25,
  );
  assert.is(
    step(() => sum(empty([0, 3])).item()),
    0,
  );
  assert.is(
    step(() => sum(fromArray([7], [])).item()),
    7,
  );
});

test("a sum over several levels of blocks counts every number once", async () => {
  await init();
  for (const n of [4096, 4097, 3 * 4096 + 5, 4096 * 4096 + 1]) {
    const x = fromArray(new Float32Array(n).fill(1), [n]);
    const out = empty([1]);
    sumInto(n, x.ptr, out.ptr);
    assert.is(out.item(), Math.fround(n));
    assert.is(squaredNorm(x.ptr, n), n);
    x.dispose();
    out.dispose();
  }
});

test("the squared norm is that of the numbers, and zero of none", async () => {
  await init();
  const x = fromArray([3, -4, 12], [3]);
  assert.is(squaredNorm(x.ptr, 3), 169);
  assert.is(squaredNorm(x.ptr, 2), 25);
  assert.is(squaredNorm(x.ptr, 0), 0);
});

test("a reduction outside a step leaves no temporary behind", async () => {
  await init();
  const x = fromArray(new Float32Array(10_000), [10_000]);
  const out = empty([1]);
  const before = memory().persistentBytes;
  sumInto(10_000, x.ptr, out.ptr);
  squaredNorm(x.ptr, 10_000);
  assert.is(memory().persistentBytes, before);
});

test("a weighted sum adds its terms, one of them twice", async () => {
  await init();
  const [a, b] = [fromArray([2], []), fromArray([5], [1])];
  assert.is(
    step(() => weightedSum([a, b, a], [3, 10, 0.5]).item()),
    57,
  );
  assert.is(
    step(() => weightedSum([b], [-1]).item()),
    -5,
  );
});

test("gradients of reductions are their derivatives", async () => {
  await initDouble();
  const [x, wide] = [leaf([3, 5], 1), leaf([5000], 2)];
  gradcheck(() => sum(x), [x]);
  gradcheck(() => mean(x), [x]);
  gradcheck(() => mean(wide), [wide], { samples: 5 });
  gradcheck(() => sum(x.narrow(1, 1, 2).permute([1, 0])), [x]);
  gradcheck(() => weightedSum([sum(x), mean(x), sum(x)], [2, -3, 0.5]), [x]);
  gradcheck(() => weightedSum([sum(x), sum(scale(x, 2))], [1, 1]), [x]);
  const [a, b] = [leaf([], 3), leaf([1], 4)];
  gradcheck(() => weightedSum([a, b, a], [2, -3, 0.5]), [a, b]);
});

test("what cannot be reduced is refused with a message", async () => {
  await init();
  const [one, two] = [fromArray([1], []), fromArray([1, 2], [2])];
  refuses(() => mean(empty([2, 0])), ShapeError, "mean: x [2, 0] has no element");
  refuses(() => sum(fromArray([1], [1], "i32")), DTypeError, "sum: x is [1] i32, expected f32.");
  refuses(() => weightedSum([], []), ShapeError, "weightedSum: 0 scalars with 0 weights");
  refuses(() => weightedSum([one], [1, 2]), ShapeError, "weightedSum: 1 scalars with 2 weights");
  refuses(() => weightedSum([one, two], [1, 2]), ShapeError, "weightedSum: scalars[1] is [2], expected one element.");
});
