import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { SwinBlock } from "../../src/nn/swin-block.js";
import { windowLayout } from "../../src/ops/window-layout.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const options = { headDim: 2, windowSize: 2, shifted: true, rng: new Rng(1) };
const block = () => withNumbers(new SwinBlock(4, options));
const layout = () => windowLayout(3, 4, { window: 2, shift: [1, 1] });

test("a dropped image passes unchanged, a kept one is scaled, an image that is not computed passes unchanged", async () => {
  await init();
  const [plain, x] = [block(), fromArray(numbers([3, 3, 4, 4], 2), [3, 3, 4, 4])];
  const image = 3 * 4 * 4;
  const run = (dropPath: Parameters<SwinBlock["forward"]>[2]) =>
    step(() => plain.forward(x, layout(), dropPath).toArray());
  const whole = run(null);
  const dropped = run(() => ({ scale: Float32Array.of(1, 0, 1) }));
  assert.equal(dropped.slice(0, image), whole.slice(0, image));
  assert.equal(dropped.slice(image, 2 * image), x.toArray().slice(image, 2 * image));
  const subset = run(() => ({ rows: Int32Array.of(2, 0), scale: 1 }));
  close(subset.slice(0, image), whole.slice(0, image), 1e-6);
  assert.equal(subset.slice(image, 2 * image), x.toArray().slice(image, 2 * image));
  close(subset.slice(2 * image), whole.slice(2 * image), 1e-6);
});

test("a slice keeps its shift, its rate and the ratio of its hidden layer", async () => {
  await init();
  const part = new SwinBlock(4, { ...options, mlpRatio: 3, dropPathRate: 0.25 }).slice(2);
  assert.equal([part.shifted, part.dropPathRate], [true, 0.25]);
  assert.equal(
    [part.ffn.fc1.weight.shape, part.ffn.fc2.weight.shape],
    [
      [6, 2],
      [2, 6],
    ],
  );
  assert.equal([part.norm1.eps, part.norm2.eps], [1e-5, 1e-5]);
});

test("it is the derivative of itself, with stochastic depth", async () => {
  await initDouble();
  const whole = block();
  const x = leaf([2, 3, 4, 4], 3);
  const leaves = [x, ...whole.parameters()];
  gradcheck(() => whole.forward(x, layout()), leaves, { samples: 10 });
  gradcheck(() => whole.forward(x, layout(), () => ({ scale: Float32Array.of(0.5, 2) })), leaves, { samples: 4 });
  gradcheck(() => whole.forward(x, layout(), () => ({ rows: Int32Array.of(1), scale: 2 })), leaves, { samples: 4 });
});
