import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { Linear } from "../../src/nn/linear.js";
import { gelu } from "../../src/ops/activation.js";
import { linear } from "../../src/ops/linear.js";
import { sum } from "../../src/ops/reduce.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

/** A layer with seeded numbers, also in its bias. */
function layer(inFeatures: number, outFeatures: number, bias = true): Linear {
  const result = new Linear(inFeatures, outFeatures, { rng: new Rng(1), bias });
  for (const [name, x] of result.namedTensors()) {
    x.name = name;
    x.write(numbers(x.shape, x.numel));
  }
  return result;
}

/** Entries of a full [rows, columns] matrix at the given rows and the first columns. */
const pick = (x: Tensor, rows: readonly number[], columns: number) =>
  rows.flatMap((row) => Array.from(x.toArray()).slice(row * x.shape[1], row * x.shape[1] + columns));

test("a fresh layer has a zero bias, or none, and scales nothing", async () => {
  await init();
  const full = new Linear(3, 2, { rng: new Rng(1) });
  assert.equal([full.weight.shape, [...full.bias!.toArray()], full.inputScale], [[2, 3], [0, 0], 1]);
  const bare = new Linear(3, 2, { rng: new Rng(1), bias: false });
  assert.is(bare.bias, null);
  assert.equal([...bare.stateDict().keys()], ["weight"]);
});

test("a slice is a dense layer of the first rows and columns times the input scale", async () => {
  await initDouble();
  for (const bias of [true, false]) {
    const full = layer(6, 5, bias);
    const slice = full.slice(3, 4);
    assert.is(slice.inputScale, 6 / 4);
    const x = leaf([2, 4], 3);
    const weight = fromArray(
      pick(full.weight, [0, 1, 2], 4).map((w) => 1.5 * w),
      [3, 4],
    );
    const dense = step(() => linear(x, weight, full.bias && fromArray(full.bias.toArray().slice(0, 3), [3])));
    close(step(() => slice.forward(x)).toArray(), dense.toArray(), 1e-14);
  }
});

test("input scales multiply when a slice is sliced again", async () => {
  await initDouble();
  const full = layer(12, 8);
  const [once, again] = [full.slice(4, 3), full.slice(6, 8).slice(4, 3)];
  assert.is(again.inputScale, 4);
  assert.is(once.inputScale, 4);
  const x = leaf([2, 3], 3);
  assert.equal(step(() => once.forward(x)).toArray(), step(() => again.forward(x)).toArray());
});

test("a grouped slice keeps a range of rows in each group", async () => {
  await initDouble();
  const full = layer(4, 12);
  const slice = full.sliceGroups(3, 2, 3);
  assert.equal(
    [slice.weight.shape, slice.bias!.shape],
    [
      [3, 2, 3],
      [3, 2],
    ],
  );
  const rows = [0, 1, 4, 5, 8, 9];
  const x = leaf([5, 3], 3);
  const weight = fromArray(
    pick(full.weight, rows, 3).map((w) => (4 / 3) * w),
    [6, 3],
  );
  const bias = fromArray(
    rows.map((row) => full.bias!.toArray()[row]),
    [6],
  );
  close(step(() => slice.forward(x)).toArray(), step(() => linear(x, weight, bias)).toArray(), 1e-14);
});

test("a grouped slice sliced again is the grouped slice at once, with and without bias", async () => {
  await initDouble();
  for (const bias of [true, false]) {
    const full = layer(6, 18, bias);
    const [once, again] = [full.sliceGroups(3, 2, 2), full.sliceGroups(3, 4, 4).sliceGroups(3, 2, 2)];
    const x = leaf([3, 2], 3);
    assert.equal([again.weight.shape, again.inputScale], [once.weight.shape, once.inputScale]);
    assert.equal(step(() => once.forward(x)).toArray(), step(() => again.forward(x)).toArray());
  }
});

test("slices are differentiated into the full gradient", async () => {
  await initDouble();
  const full = layer(6, 12);
  const x = leaf([3, 4], 3);
  const fn = () => {
    const hidden = gelu(full.sliceGroups(3, 2, 4).forward(x)); // [3, 6]
    return full.slice(5, 6).forward(hidden);
  };
  gradcheck(fn, [x, full.weight, full.bias!]);
});

test("the gradient outside a slice is zero, also where an old gradient lay", async () => {
  await init();
  const full = layer(4, 9);
  const x = fromArray(numbers([2, 4], 1), [2, 4]);
  step(() => sum(full.forward(x)).backward());
  for (const x of full.parameters()) x.storage.gradientPresent = false;
  step(() => sum(full.sliceGroups(3, 2, 3).forward(x.narrow(1, 0, 3))).backward());
  const [dw, db] = [gradientOf(full.weight), gradientOf(full.bias!)];
  for (let row = 0; row < 9; row++) {
    const inside = row % 3 < 2;
    assert.is(db[row], inside ? 2 : 0);
    for (let column = 0; column < 4; column++)
      assert.is(dw[4 * row + column] !== 0, inside && column < 3, `${row}, ${column}`);
  }
});

test("a full and a sliced use in one step add their gradients", async () => {
  await initDouble();
  const full = layer(4, 6);
  const x = leaf([2, 4], 3);
  gradcheck(
    () => full.slice(6, 3).forward(full.sliceGroups(3, 1, 4).forward(full.forward(x).narrow(1, 0, 4))),
    [x, full.weight, full.bias!],
  );
});

test("materialising folds scale and groups, and gives what the slice gives", async () => {
  await init();
  const full = layer(8, 12);
  for (const slice of [full.sliceGroups(3, 2, 5), full.slice(7, 3), full]) {
    const dense = slice.materialize();
    assert.is(dense.inputScale, 1);
    assert.is(dense.weight.shape.length, 2);
    assert.is(dense.bias!.shape.length, 1);
    assert.ok(dense.weight.contiguous);
    const inFeatures = dense.weight.shape[1];
    const x = fromArray(numbers([3, inFeatures], 5), [3, inFeatures]);
    close(step(() => dense.forward(x)).toArray(), step(() => slice.forward(x)).toArray(), 1e-6);
    dense.dispose();
  }
  assert.is(full.weight.toArray()[0], Math.fround(numbers([12, 8], 96)[0]), "the original keeps its numbers");
});
