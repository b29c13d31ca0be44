import fc from "fast-check";
import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { denseStrides, isDense, numelOf, reshapedStrides, rowsOf, type Shape } from "../../src/tensor/shape.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** Offsets of all elements in row-major order. */
function offsets(shape: Shape, strides: Shape): number[] {
  let list = [0];
  shape.forEach((size, axis) => {
    list = list.flatMap((offset) => Array.from({ length: size }, (_, i) => offset + i * strides[axis]));
  });
  return list;
}

/** A dense tensor that has been narrowed and permuted. */
const views = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 4 }), cut: fc.nat(2), order: fc.nat() }), { maxLength: 4 })
  .map((axes) => {
    const whole = axes.map(({ size, cut }) => size + cut);
    const strides = denseStrides(whole);
    const order = axes.map(({ order }, axis) => ({ order, axis })).sort((a, b) => a.order - b.order);
    return { shape: order.map(({ axis }) => axes[axis].size), strides: order.map(({ axis }) => strides[axis]) };
  });

/** Some factorisation of n, ones included. */
function factorised(n: number, picks: readonly number[]): number[] {
  const shape: number[] = [];
  for (const pick of picks) {
    const divisors = Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
    const size = divisors[pick % divisors.length];
    shape.push(size);
    n /= size;
  }
  return n === 1 ? shape : [...shape, n];
}

test("row-major strides, and what counts as dense", () => {
  assert.equal(denseStrides([2, 3, 4]), [12, 4, 1]);
  assert.equal(denseStrides([]), []);
  assert.is(numelOf([]), 1);
  assert.ok(isDense([2, 3], [3, 1]));
  assert.ok(isDense([2, 1, 3], [3, 99, 1]), "the stride of a single element is never used");
  assert.ok(isDense([3, 0], [7, 1]), "nothing lies densely");
  assert.not.ok(isDense([2, 3], [4, 1]));
  assert.not.ok(isDense([2, 3], [1, 2]));
});

test("a view in another shape visits the same elements in the same order, or none is offered", () => {
  fc.assert(
    fc.property(views, fc.array(fc.nat(), { maxLength: 4 }), ({ shape, strides }, picks) => {
      const target = factorised(numelOf(shape), picks);
      const result = reshapedStrides(shape, strides, target);
      if (result) assert.equal(offsets(target, result), offsets(shape, strides));
      else assert.not.ok(isDense(shape, strides), `${shape} ${strides} to ${target}`);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("a view in another shape is offered whenever strides for it exist", () => {
  /** Strides read off the offsets themselves, if they hold for every element. */
  const byTrial = (target: Shape, wanted: readonly number[]) => {
    const steps = denseStrides(target).map((step, axis) => (target[axis] > 1 ? wanted[step] : 0));
    return offsets(target, steps).every((offset, i) => offset === wanted[i]);
  };
  fc.assert(
    fc.property(views, fc.array(fc.nat(), { maxLength: 4 }), ({ shape, strides }, picks) => {
      const target = factorised(numelOf(shape), picks);
      assert.is(reshapedStrides(shape, strides, target) !== null, byTrial(target, offsets(shape, strides)));
    }),
    { numRuns: 2000, seed: 2 },
  );
});

test("a shape with another number of elements is never offered", () => {
  assert.is(reshapedStrides([2, 3], [3, 1], [2, 2]), null);
  assert.is(reshapedStrides([2, 3], [3, 1], [7]), null);
  assert.is(reshapedStrides([2, 3], [3, 1], [2, 3, 2]), null);
  assert.is(reshapedStrides([], [], [2]), null);
  assert.equal(reshapedStrides([4, 0], [5, 1], [0]), [1]);
  assert.is(reshapedStrides([4, 0], [5, 1], [1]), null);
});

test("rows: dense, narrowed and selected tensors are matrices with one row stride", () => {
  assert.equal(rowsOf("op", { shape: [2, 3, 4], strides: [12, 4, 1] }), { rows: 6, cols: 4, ld: 4 });
  assert.equal(rowsOf("op", { shape: [2, 3, 2], strides: [12, 4, 1] }), { rows: 6, cols: 2, ld: 4 }); // channels narrowed
  assert.equal(rowsOf("op", { shape: [2, 4], strides: [12, 1] }), { rows: 2, cols: 4, ld: 12 }); // x[:, 0, :]
  assert.equal(rowsOf("op", { shape: [5], strides: [1] }), { rows: 1, cols: 5, ld: 5 });
  assert.equal(rowsOf("op", { shape: [3, 1], strides: [7, 1] }), { rows: 3, cols: 1, ld: 7 });
  assert.equal(rowsOf("op", { shape: [0, 3], strides: [3, 1] }), { rows: 0, cols: 3, ld: 3 });
});

test("rows: uneven spacing, a stride along the row and scalars are refused with the way out", () => {
  const uneven = { shape: [2, 2, 4], strides: [12, 4, 1] }; // x[:, :2] of [2, 3, 4]
  refuses(
    () => rowsOf("gelu", uneven),
    ShapeError,
    "gelu: the rows of [2, 2, 4] with strides [12, 4, 1] are not evenly spaced. Pass contiguous(x).",
  );
  refuses(() => rowsOf("gelu", { shape: [2, 3], strides: [1, 2] }), ShapeError, "not evenly spaced");
  refuses(
    () => rowsOf("gelu", { shape: [], strides: [] }),
    ShapeError,
    "gelu: expected at least one axis, got a scalar.",
  );
});
