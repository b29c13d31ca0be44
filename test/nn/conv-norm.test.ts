import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConvNorm } from "../../src/nn/conv-norm.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const rng = new Rng(1);

test("without a norm there is a bias and a rectifier, and the map keeps its size", async () => {
  await init();
  const brick = new ConvNorm(1, 1, { kernel: 3, norm: null, rng });
  brick.conv.weight.write([0, 0, 0, 0, 2, 0, 0, 0, 1]); // twice the pixel, and the one below to the right
  brick.conv.bias?.write([-3]);
  const x = fromArray([1, 2, 3, 4], [1, 2, 2, 1]);
  const y = step(() => brick.forward(x));
  assert.equal(y.shape, [1, 2, 2, 1]);
  assert.equal([...y.toArray()], [3, 1, 3, 5]);
  const plain = new ConvNorm(1, 1, { kernel: 1, norm: null, relu: false, rng });
  plain.conv.weight.write([1]);
  plain.conv.bias?.write([-2]);
  assert.equal([...step(() => plain.forward(x).toArray())], [-1, 0, 1, 2]);
});

test("a norm takes the place of the bias, and the rectifier comes after it", async () => {
  await init();
  const brick = new ConvNorm(1, 1, { kernel: 1, norm: { norm: "group", groups: 1 }, rng });
  assert.is(brick.conv.bias, null);
  brick.conv.weight.write([5]);
  close(
    step(() => brick.forward(fromArray([-1, 1], [1, 1, 2, 1])).toArray()),
    [0, 1],
    1e-4,
  );
  assert.equal(
    brick.namedParameters().map(([name]) => name),
    ["conv.weight", "norm.weight", "norm.bias"],
  );
});

test("backward of the brick is its derivative, with and without a norm", async () => {
  await initDouble();
  const x = leaf([2, 4, 3, 2], 1);
  for (const norm of [null, { norm: "group", groups: 2 } as const]) {
    const brick = withNumbers(new ConvNorm(2, 4, { kernel: 3, norm, rng }));
    gradcheck(() => brick.forward(x), [x, ...brick.parameters()]);
  }
});
