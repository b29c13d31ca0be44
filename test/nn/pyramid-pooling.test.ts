import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { binMeans, PyramidPooling } from "../../src/nn/pyramid-pooling.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("parts of a side that bins do not divide overlap, and every mean is over its own part", async () => {
  await init();
  // Three cells in two parts: cells 0 and 1, cells 1 and 2. Two maps, two channels.
  const line = fromArray([1, 10, 2, 20, 6, 60, 3, 30, 4, 40, 8, 80], [2, 1, 3, 2]);
  const means = step(() => binMeans(line, 2));
  assert.equal(means.shape, [2, 2, 2, 2]);
  const rows = [1.5, 15, 4, 40, 1.5, 15, 4, 40, 3.5, 35, 6, 60, 3.5, 35, 6, 60];
  close(means.toArray(), rows, 1e-6);
  close(
    step(() => binMeans(line, 1).toArray()),
    [3, 30, 5, 50],
    1e-6,
  );
});

test("a bin for each cell gives the map back", async () => {
  await init();
  const map = leaf([1, 3, 3, 2], 1);
  close(
    step(() => binMeans(map, 3).toArray()),
    map.toArray(),
    1e-6,
  );
});

test("a constant map stays constant over all bins, so a cell's result depends on the borders alone", async () => {
  await init();
  const pooling = withNumbers(new PyramidPooling(2, 3, { bins: [1, 2], norm: null, rng: new Rng(1) }));
  const flat = fromArray(new Float32Array(2 * 5 * 5).fill(0.5), [1, 5, 5, 2]);
  const y = step(() => pooling.forward(flat));
  assert.equal(y.shape, [1, 5, 5, 3]);
  const cell = (row: number, column: number) => y.toArray().slice(3 * (5 * row + column), 3 * (5 * row + column) + 3);
  close(cell(1, 1), cell(2, 3), 1e-6);
});

test("backward of pyramid pooling is its derivative", async () => {
  await initDouble();
  const x = leaf([2, 3, 4, 2], 1);
  const pooling = withNumbers(
    new PyramidPooling(2, 2, { bins: [1, 2, 6], norm: { norm: "group", groups: 1 }, rng: new Rng(1) }),
  );
  gradcheck(() => pooling.forward(x), [x, ...pooling.parameters()]);
});
