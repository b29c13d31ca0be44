import * as assert from "uvu/assert";
import { seedGradient } from "../../src/autograd/gradient.js";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { Sgd } from "../../src/optim/sgd.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

function weight(values: ArrayLike<number>): Tensor {
  const x = parameter([values.length], () => 0);
  x.write(values);
  return x;
}

const give = (x: Tensor, gradient: ArrayLike<number>) => step(() => seedGradient(x, gradient));

for (const momentum of [0, 0.9]) {
  test(`descent with momentum ${momentum} follows its definition`, async () => {
    await initDouble();
    const p = weight([0.5, -2]);
    const optimizer = new Sgd([p], { lr: 0.1, momentum, weightDecay: 0.05 });
    const [expected, velocity] = [
      [0.5, -2],
      [0, 0],
    ];
    for (let s = 0; s < 4; s++) {
      const gradient = numbers([2], s);
      give(p, gradient);
      optimizer.update();
      for (let i = 0; i < 2; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i] + 0.05 * expected[i];
        expected[i] -= 0.1 * velocity[i];
      }
      p.toArray().forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i]) < 1e-14, `step ${s}, entry ${i}`);
      });
    }
    assert.is(optimizer.stateDict().size, momentum === 0 ? 0 : 1);
  });
}

test("a parameter without gradient stays, a discarded gradient is forgotten", async () => {
  await init();
  const p = weight([1]);
  const optimizer = new Sgd([p], { weightDecay: 1 });
  optimizer.update({ lr: 1 });
  give(p, [1]);
  optimizer.discardGradients();
  optimizer.update({ lr: 1 });
  assert.is(p.item(), 1);
});

test("groups scale learning rate and weight decay", async () => {
  await initDouble();
  const [p, last] = [weight([1]), weight([1])];
  const optimizer = new Sgd([
    { parameters: [{ name: "p", tensor: p }], lrMultiplier: 0.5, wdMultiplier: 0, isLastLayer: false },
    { parameters: [{ name: "last", tensor: last }], lrMultiplier: 1, wdMultiplier: 1, isLastLayer: true },
  ]);
  give(p, [1]);
  give(last, [1]);
  optimizer.update({ lr: 0.2, lastLayerLr: 0, weightDecay: 10 });
  assert.ok(Math.abs(p.item() - 0.9) < 1e-15);
  assert.is(last.item(), 1);
});

test("velocities are saved and loaded by name", async () => {
  await init();
  const p = weight([1, 2]);
  const optimizer = new Sgd([p], { momentum: 0.9 });
  optimizer.loadStateDict(new Map([["0.momentum_buffer", { shape: [2], data: [3, 4] }]]));
  assert.equal([...optimizer.stateDict().get("0.momentum_buffer")!.toArray()], [3, 4]);
  assert.throws(
    () => optimizer.loadStateDict(new Map()),
    (error: Error) => error instanceof ShapeError && /missing 0.momentum_buffer/.test(error.message),
  );
});
