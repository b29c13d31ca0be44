import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { Deconv2x2 } from "../../src/nn/deconv.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("each pixel becomes four, at the places of its own window", async () => {
  await init();
  const layer = new Deconv2x2(1, 2, new Rng(1));
  // Output row, output column, channel: the first channel counts the places, the second is ten times that.
  layer.proj.weight.write([1, 10, 2, 20, 3, 30, 4, 40]);
  layer.proj.bias?.write(new Float32Array(8));
  const y = step(() => layer.forward(fromArray([1, 100], [1, 1, 2, 1])));
  assert.equal(y.shape, [1, 2, 4, 2]);
  assert.equal([...y.toArray()], [1, 10, 2, 20, 100, 1000, 200, 2000, 3, 30, 4, 40, 300, 3000, 400, 4000]);
});

test("backward of the transposed convolution is its derivative", async () => {
  await initDouble();
  const x = leaf([2, 2, 3, 3], 1);
  const layer = withNumbers(new Deconv2x2(3, 2, new Rng(1)));
  gradcheck(() => layer.forward(x), [x, ...layer.parameters()]);
});
