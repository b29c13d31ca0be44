import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { positionFor } from "../../src/nn/pos-embed.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

/** The cubic kernel of Keys with a = −0.75, written apart from the op's. */
function keys(d: number): number {
  d = Math.abs(d);
  if (d < 1) return 1.25 * d ** 3 - 2.25 * d ** 2 + 1;
  return d < 2 ? -0.75 * d ** 3 + 3.75 * d ** 2 - 6 * d + 3 : 0;
}

/** One row of the resized grid, straight from the definition. */
function resized(
  grid: (row: number, col: number) => number,
  side: number,
  [i, j]: number[],
  [height, width]: number[],
): number {
  const source = (index: number, size: number) => (index + 0.5) / ((size + 0.1) / side) - 0.5;
  const clamp = (index: number) => Math.min(Math.max(index, 0), side - 1);
  const [y, x] = [source(i, height), source(j, width)];
  let sum = 0;
  for (let r = Math.floor(y) - 1; r <= Math.floor(y) + 2; r++)
    for (let c = Math.floor(x) - 1; c <= Math.floor(x) + 2; c++)
      sum += keys(y - r) * keys(x - c) * grid(clamp(r), clamp(c));
  return sum;
}

test("the trained grid is used as it is", async () => {
  await init();
  const position = leaf([1 + 16, 6], 1);
  assert.is(positionFor(position, 4, 4), position);
});

test("another grid is sampled at (i + 0.5)·N/(n + 0.1) − 0.5, the class entry stays", async () => {
  await initDouble();
  const [side, channels] = [4, 3];
  const position = leaf([1 + side * side, 5], 1).narrow(1, 0, channels);
  const values = position.toArray();
  for (const size of [
    [2, 2],
    [3, 5],
    [7, 7],
    [2, 8],
    [4, 6],
  ]) {
    const y = step(() => positionFor(position, size[0], size[1]));
    assert.equal(y.shape, [1 + size[0] * size[1], channels]);
    const found = y.toArray();
    for (let c = 0; c < channels; c++) {
      assert.is(found[c], values[c]);
      for (let i = 0; i < size[0]; i++)
        for (let j = 0; j < size[1]; j++) {
          const expected = resized((row, col) => values[(1 + row * side + col) * channels + c], side, [i, j], size);
          const actual = found[(1 + i * size[1] + j) * channels + c];
          assert.ok(Math.abs(actual - expected) < 1e-12, `${size}: ${i}, ${j}: ${actual}, expected ${expected}`);
        }
    }
  }
});

test("as many patches in another arrangement are resized too", async () => {
  await init();
  const position = fromArray(new Array(17).fill(1), [17, 1]);
  const y = step(() => positionFor(position, 2, 8));
  assert.is.not(y, position);
  close(y.toArray(), new Array(17).fill(1), 1e-6, "weights of a cell sum to 1: entry");
});

test("a resized, narrowed embedding is differentiated into the full one", async () => {
  await initDouble();
  const position = leaf([1 + 9, 5], 1);
  gradcheck(() => positionFor(position.narrow(1, 0, 3), 2, 4), [position]);
  gradcheck(() => positionFor(position, 5, 5), [position]);
});
