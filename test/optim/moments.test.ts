import * as assert from "uvu/assert";
import { seedGradient } from "../../src/autograd/gradient.js";
import { step as stepOf } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { AdamW } from "../../src/optim/adamw.js";
import { hostMoments } from "../../src/optim/moments.js";
import { init, memory } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const SHAPES = [[3], [700, 801]]; // the second spans three windows, the last of them in part

function trained(moments: "memory" | "host", steps = 3, saved?: ReturnType<typeof copied>) {
  const parameters = SHAPES.map((shape, i) => {
    const x = parameter(shape, () => 0);
    x.write(saved ? saved.weights[i] : numbers(shape, i + 1));
    return x;
  });
  const optimizer = new AdamW(parameters, { moments });
  if (saved) optimizer.loadStateDict(saved.state);
  for (let step = saved ? 3 : 0; step < (saved ? 3 : 0) + steps; step++) {
    stepOf(() => {
      for (const [i, x] of parameters.entries()) seedGradient(x, numbers(x.shape, 10 * step + i));
    });
    optimizer.update({ lr: 0.01, weightDecay: 0.1 });
  }
  return { parameters, optimizer };
}

const copied = ({ parameters, optimizer }: { parameters: Tensor[]; optimizer: AdamW }) => ({
  weights: parameters.map((x) => x.toArray()),
  state: new Map([...optimizer.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }])),
});

test("moments outside of linear memory give the same bits, and linear memory is smaller by them", async () => {
  await init();
  const inside = copied(trained("memory"));
  const { persistentBytes } = memory();
  await init();
  const outside = copied(trained("host"));
  assert.equal(outside, inside);
  const numbersOf = SHAPES.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
  const saved = persistentBytes - memory().persistentBytes;
  assert.ok(saved >= 8 * numbersOf && saved < 8 * numbersOf + 512, `${saved} bytes of ${8 * numbersOf}`);
});

test("a saved state goes from one kind of moments to the other", async () => {
  await init();
  const whole = copied(trained("memory", 5));
  const half = copied(trained("memory", 3));
  assert.equal(copied(trained("host", 2, half)), whole);
  const halfOutside = copied(trained("host", 3));
  assert.equal(copied(trained("memory", 2, halfOutside)), whole);
});

test("moments outside are as exact as the heap", async () => {
  await initDouble();
  assert.equal(copied(trained("host", 2)), copied(trained("memory", 2)));
});

test("moments outside start at zero, forget when disposed, and take only values of their number", async () => {
  await init();
  const { mean, square } = hostMoments([2, 2]);
  assert.equal([...mean.toArray(), ...square.toArray()], new Array(8).fill(0));
  mean.write([1, 2, 3, 4]);
  assert.equal([...mean.toArray()], [1, 2, 3, 4]);
  mean.dispose();
  assert.equal([...mean.toArray()], [0, 0, 0, 0]);
  refuses(() => mean.write([1]), ShapeError, "[2, 2]");
  refuses(() => mean.item(), ShapeError, "more than one");
  assert.is(hostMoments([1]).mean.item(), 0);
});
