import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { PatchMerging } from "../../src/nn/patch-merging.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const merging = () => withNumbers(new PatchMerging(4, { eps: 1e-5, rng: new Rng(1) }));

test("four neighbours are normalised together and projected, by the columns of each group", async () => {
  await initDouble();
  const part = merging().slice(3);
  const [weight, bias, reduction] = [part.norm.weight, part.norm.bias, part.reduction.weight].map((x) => x.toArray());
  const x = fromArray(numbers([1, 2, 2, 3], 5), [1, 2, 2, 3]);
  const values = Array.from(x.toArray()); // (0, 0), (0, 1), (1, 0), (1, 1)
  const mean = values.reduce((sum, v) => sum + v, 0) / 12;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 12;
  const normed = values.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * weight[i] + bias[i]);
  const expected = Array.from({ length: 6 }, (_, o) =>
    normed.reduce((sum, v, i) => sum + (4 / 3) * v * reduction[o * 12 + i], 0),
  );
  close(
    step(() => part.forward(x).toArray()),
    expected,
    1e-9,
  );
});

test("a slice has the first columns of each of the four groups, and a dense copy of it is the same function", async () => {
  await init();
  const whole = merging();
  const part = whole.slice(2);
  const columns = [0, 1, 4, 5, 8, 9, 12, 13];
  const from = whole.reduction.weight.toArray();
  assert.equal(
    [part.norm.weight.shape, part.reduction.weight.shape],
    [
      [4, 2],
      [4, 4, 2],
    ],
  );
  assert.equal(
    [...part.reduction.weight.toArray()],
    [0, 1, 2, 3].flatMap((o) => columns.map((i) => from[16 * o + i])),
  );
  assert.equal(
    [...part.norm.weight.toArray()],
    columns.map((i) => whole.norm.weight.toArray()[i]),
  );
  const dense = part.materialize();
  assert.equal([dense.norm.weight.shape, dense.reduction.weight.shape, dense.reduction.inputScale], [[8], [4, 8], 1]);
  const x = fromArray(numbers([2, 3, 5, 2], 6), [2, 3, 5, 2]);
  const [a, b] = [part, dense].map((layer) => step(() => layer.forward(x).toArray()));
  close(a, b, 1e-5);
  const again = dense.slice(1);
  assert.equal([again.norm.weight.shape, again.reduction.inputScale], [[4, 1], 2]);
});

test("it is the derivative of itself, sliced and over odd maps", async () => {
  await initDouble();
  const whole = merging();
  const x = leaf([2, 3, 4, 4], 7);
  gradcheck(() => whole.forward(x), [x, ...whole.parameters()]);
  gradcheck(() => whole.slice(3).forward(x.narrow(3, 0, 3)), [x, ...whole.parameters()]);
});
