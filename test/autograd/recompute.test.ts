import * as assert from "uvu/assert";
import { recompute } from "../../src/autograd/recompute.js";
import { backward, step } from "../../src/autograd/tape.js";
import { Block } from "../../src/nn/block.js";
import { stochasticDepth } from "../../src/nn/drop-path.js";
import { runBlock } from "../../src/nn/run-block.js";
import { add, multiply } from "../../src/ops/elementwise.js";
import { sum } from "../../src/ops/reduce.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray, parameter } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const parameterOf = (...values: number[]) => {
  const x = parameter([values.length], () => 0);
  x.write(values);
  return x;
};
const gradient = (x: Tensor) => [...Array.from(gradientOf(x))];

/** Two blocks over x [6, 5, 8], whose results meet x again; gradients and peak memory. */
function twoBlocks(again: boolean, dropPathRate: number) {
  const rng = new Rng(1);
  const blocks = [0, 1].map((i) => new Block(8, { headDim: 4, dropPathRate, layerScale: 0.5, rng: rng.fork(i) }));
  const start = parameter([6, 5, 8], () => 0);
  start.write(numbers([6, 5, 8], 3));
  step(() => {
    const dropPath = stochasticDepth(new Rng(7));
    let x = multiply(start, start);
    const first = x;
    for (const block of blocks) {
      const input = x;
      x = runBlock(block, input, { dropPath, recompute: again }, (draws) => block.forward(input, draws));
    }
    backward(sum(multiply(add(x, first), x)));
  });
  const found = [start, ...blocks.flatMap((block) => block.parameters())].map(gradient);
  return { found, peak: memory().peakStepBytes };
}

for (const [name, rate] of [
  ["whole", 0],
  ["with samples dropped one by one", 0.1],
  ["on subsets", 0.4],
] as const) {
  test(`recomputed blocks, ${name}, have the gradients of plain ones, bit for bit, in less memory`, async () => {
    await init();
    const plain = twoBlocks(false, rate);
    await init();
    const again = twoBlocks(true, rate);
    assert.equal(again.found, plain.found);
    assert.ok(again.peak < 0.75 * plain.peak, `${again.peak} of ${plain.peak} bytes`);
  });
}

test("gradients in double precision are those of plain blocks", async () => {
  await initDouble();
  const plain = twoBlocks(false, 0);
  await initDouble();
  assert.equal(twoBlocks(true, 0).found, plain.found);
});

test("the function runs once forward and once backward, and once where nothing is recorded", async () => {
  await init();
  const x = parameterOf(2, 3);
  let runs = 0;
  const square = (input: Tensor) =>
    recompute([input], () => {
      runs++;
      return multiply(input, input);
    });
  step(() => backward(sum(square(x))));
  assert.equal([runs, gradient(x)], [2, [4, 6]]);
  step(() => square(fromArray([1, 2], [2])).toArray());
  assert.is(runs, 3);
});

test("an input that others have used before keeps what they added, and one that needs no gradient gets none", async () => {
  await init();
  const [x, w] = [parameterOf(2, 3), parameterOf(5, 7)];
  const fixed = fromArray([10, 20], [2]);
  step(() => {
    const y = add(x, x);
    const z = recompute([y, w, fixed], () => multiply(multiply(y, w), fixed)); // 20·x·w, 40·x·w
    backward(sum(add(z, y)));
  });
  assert.equal(gradient(x), [2 * 5 * 10 + 2, 2 * 7 * 20 + 2]);
  assert.equal(gradient(w), [40, 120]);
  assert.is(fixed.grad(), null);
});

test("nothing goes backward through a result that the loss does not depend on", async () => {
  await init();
  const [x, w] = [parameterOf(2), parameterOf(5)];
  step(() => {
    recompute([w], () => multiply(w, w));
    backward(sum(multiply(x, x)));
  });
  assert.equal([gradient(x), w.grad()], [[4], null]);
});
