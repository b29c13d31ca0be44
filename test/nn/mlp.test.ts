import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { Mlp } from "../../src/nn/mlp.js";
import { gelu } from "../../src/ops/activation.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

function mlp(width: number, hidden: number): Mlp {
  const result = new Mlp(width, hidden, { rng: new Rng(1) });
  for (const x of result.parameters()) x.write(numbers(x.shape, x.numel));
  return result;
}

test("two layers with a GELU between them", async () => {
  await init();
  const net = mlp(3, 5);
  const x = leaf([2, 3], 1);
  const direct = step(() => net.fc2.forward(gelu(net.fc1.forward(x))));
  assert.equal(step(() => net.forward(x)).toArray(), direct.toArray());
  assert.equal([...net.stateDict().keys()], ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
  assert.equal([...new Mlp(2, 2, { rng: new Rng(1), bias: false }).stateDict().keys()], ["fc1.weight", "fc2.weight"]);
});

test("the two layers start from different numbers", async () => {
  await init();
  const net = new Mlp(4, 4, { rng: new Rng(1) });
  assert.not.equal(net.fc1.weight.toArray(), net.fc2.weight.toArray());
});

test("a slice narrows both layers and is differentiated into the full gradients", async () => {
  await initDouble();
  const net = mlp(4, 8);
  const slice = net.slice(3, 6);
  assert.equal(
    [slice.fc1.weight.shape, slice.fc2.weight.shape],
    [
      [6, 3],
      [3, 6],
    ],
  );
  assert.equal([slice.fc1.inputScale, slice.fc2.inputScale], [4 / 3, 8 / 6]);
  const x = leaf([2, 3], 1);
  gradcheck(() => slice.forward(x), [x, ...net.parameters()]);
});
