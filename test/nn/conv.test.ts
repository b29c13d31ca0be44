import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError } from "../../src/errors.js";
import { Conv2d, type ConvOptions } from "../../src/nn/conv.js";
import { conv2d } from "../../src/ops/conv2d.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const conv = (input: number, output: number, options: Partial<ConvOptions> = {}) =>
  new Conv2d(input, output, { kernel: 3, rng: new Rng(1), ...options });

test("a layer passes its options on, and has a bias only where it is asked for", async () => {
  await init();
  const layer = conv(4, 6, { stride: 2, padding: 1, dilation: 2, groups: 2, bias: true });
  const x = leaf([2, 9, 8, 4], 1);
  const options = { stride: 2, padding: 1, dilation: 2, groups: 2 };
  assert.equal(
    step(() => layer.forward(x).toArray()),
    step(() => conv2d(x, layer.weight, layer.bias, options).toArray()),
  );
  assert.equal(layer.weight.shape, [6, 2, 3, 3]);
  assert.equal([...conv(4, 6).stateDict().keys()], ["weight"]);
});

test("a slice is scaled by full over active inputs, its copy holds the scale in its weight", async () => {
  await init();
  const full = conv(6, 8, { padding: 1, bias: true });
  const slice = full.slice(4, 3);
  assert.is(slice.inputScale, 2);
  assert.is(slice.slice(4, 1).inputScale, 6);
  const x = leaf([1, 4, 5, 3], 2);
  const dense = slice.materialize();
  assert.is(dense.inputScale, 1);
  assert.is(dense.materialize().inputScale, 1);
  close(step(() => dense.forward(x)).toArray(), step(() => slice.forward(x)).toArray(), 1e-6);
  assert.ok(slice.weight.storage === full.weight.storage && slice.bias?.storage === full.bias?.storage);
});

test("backward of a slice is the derivative", async () => {
  await initDouble();
  const full = conv(4, 5, { stride: 2, padding: 1 });
  const x = leaf([1, 4, 5, 2], 2);
  gradcheck(() => full.slice(3, 2).forward(x), [x, full.weight]);
});

test("sides and multiply-adds are those of the result", async () => {
  await init();
  const layer = conv(3, 4, { kernel: 7, stride: 2, padding: 3 });
  const side = layer.outputSide(21);
  assert.equal(
    step(() => layer.forward(leaf([1, 21, 21, 3], 1)).shape),
    [1, side, side, 4],
  );
  assert.is(layer.multiplyAdds(21), 4 * 3 * 49 * 11 * 11);
});

test("groups that do not divide and slices of grouped layers are refused", async () => {
  await init();
  refuses(() => conv(4, 5, { groups: 2 }), ConfigError, "conv: 2 groups do not divide 4 inputs and 5 outputs");
  refuses(() => conv(4, 4, { groups: 2 }).slice(2, 2), ConfigError, "conv.slice: a layer of 2 groups");
});
