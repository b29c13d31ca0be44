import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { Conv2d } from "../../src/nn/conv.js";
import { Linear } from "../../src/nn/linear.js";
import { Mlp } from "../../src/nn/mlp.js";
import { scaleOfSlice, withoutSliceScale } from "../../src/nn/slice-scale.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

await init();

test("a slice has the factor of its layer times the inputs it lacks, or that of its layer alone", () => {
  assert.is(scaleOfSlice({ inputScale: 1.5, sliceScale: true }, 2), 3);
  assert.is(scaleOfSlice({ inputScale: 1.5, sliceScale: false }, 2), 1.5);
});

test("without the factor a slice multiplies its inputs by the first rows and columns as they are", () => {
  const full = withoutSliceScale(new Linear(4, 3, { rng: new Rng(1), bias: false }));
  full.weight.write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const x = fromArray([1, 10], [1, 2]);
  const by = (slice: Linear) => step(() => Array.from(slice.forward(x).toArray()));
  assert.equal(by(full.slice(2, 2)), [1 + 20, 5 + 60]);
  assert.equal(by(full.slice(3, 3).slice(2, 2)), [21, 65]);
  assert.equal(by(full.slice(2, 2).materialize()), [21, 65]);
  const scaled = new Linear(4, 3, { rng: new Rng(1), bias: false });
  scaled.weight.write(full.weight.toArray());
  assert.equal(by(scaled.slice(2, 2)), [42, 130]);
});

test("groups of rows, groups of columns and convolutions do likewise", () => {
  const linear = withoutSliceScale(new Linear(8, 6, { rng: new Rng(1) }));
  const conv = withoutSliceScale(new Conv2d(8, 6, { kernel: 3, rng: new Rng(1) }));
  const slices = [linear.sliceGroups(3, 1, 4), linear.sliceInputGroups(4, 3, 1), conv.slice(3, 4)];
  assert.equal(
    slices.map(({ inputScale }) => inputScale),
    [1, 1, 1],
  );
});

test("all layers of a module change, over the same tensors, and the module itself does not", () => {
  const full = new Mlp(4, 8, { rng: new Rng(1) });
  const without = withoutSliceScale(full);
  assert.equal([...without.stateDict()], [...full.stateDict()]);
  assert.instance(without, Mlp);
  const scales = (mlp: Mlp) => [mlp.slice(2, 4).fc1.inputScale, mlp.slice(2, 4).fc2.inputScale];
  assert.equal(
    [scales(full), scales(without)],
    [
      [2, 2],
      [1, 1],
    ],
  );
});
