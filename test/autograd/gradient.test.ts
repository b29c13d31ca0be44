import * as assert from "uvu/assert";
import { gradOf, gradTarget, handOver, seedGradient } from "../../src/autograd/gradient.js";
import { record, step } from "../../src/autograd/tape.js";
import { add, multiply, scale, subtract } from "../../src/ops/elementwise.js";
import { contiguous } from "../../src/ops/layout.js";
import { linear } from "../../src/ops/linear.js";
import { sum } from "../../src/ops/reduce.js";
import { residual } from "../../src/ops/residual.js";
import { clipGradients } from "../../src/optim/clip.js";
import { init, memory, runtime } from "../../src/runtime/context.js";
import { kernels } from "../../src/runtime/launch.js";
import { emptyLike, fromArray, full, parameter } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const parameterOf = (shape: number[], ...numbers: number[]) => {
  const x = parameter(shape, () => 0);
  x.write(numbers);
  return x;
};
const gradient = (x: Tensor) => Array.from(gradientOf(x));

/** Two outputs of one op: 2x and 3x. */
function twice(x: Tensor): [Tensor, Tensor] {
  const [a, b] = [emptyLike(x), emptyLike(x)];
  kernels.scale_f32(x.numel, 2, x.ptr, 0, a.ptr);
  kernels.scale_f32(x.numel, 3, x.ptr, 0, b.ptr);
  return record("twice", [a, b] as [Tensor, Tensor], [x], () => {
    const dx = gradTarget(x);
    if (!dx) return;
    kernels.scale_f32(x.numel, 2, gradOf(a), dx.beta, dx.ptr);
    kernels.scale_f32(x.numel, 3, gradOf(b), 1, dx.ptr);
  });
}

test("an untracked tensor has no target", async () => {
  await init();
  assert.is(gradTarget(full([2], 1)), null);
  assert.is(gradTarget(null), null);
  assert.is(gradTarget(undefined), null);
});

test("the first gradient of a whole tensor overwrites what the buffer held, the next ones add", async () => {
  await init();
  const w = parameterOf([3], 1, 2, 3);
  const first = gradTarget(w)!;
  assert.is(first.beta, 0);
  assert.equal(gradTarget(w), { ptr: first.ptr, beta: 1 });
});

test("the gradient of a part is zero elsewhere, and parts add to what is there", async () => {
  await init();
  const w = parameterOf([2, 3], 1, 2, 3, 4, 5, 6);
  step(() => sum(contiguous(w.narrow(1, 1, 1))).backward());
  assert.equal(gradient(w), [0, 1, 0, 0, 1, 0]);
  step(() => sum(contiguous(w.narrow(1, 0, 2).narrow(0, 1, 1))).backward());
  assert.equal(gradient(w), [0, 1, 0, 1, 2, 0]);
  assert.equal(gradient(w.select(1, 1)), [1, 2]);
});

test("a part's gradient does not read what the buffer held before", async () => {
  await init();
  const w = parameterOf([2], 1, 2);
  step(() => sum(scale(w, Number.NaN)).backward());
  w.storage.gradientPresent = false;
  step(() => sum(scale(w.narrow(0, 0, 1), 7)).backward());
  assert.equal(gradient(w), [7, 0]);
});

test("views are free in both directions: a product of views is differentiated through their strides", async () => {
  await initDouble();
  const [w, x] = [leaf([4, 6], 1), leaf([3, 8], 2)];
  const views = () => {
    const rows = w.reshape([2, 2, 6]).narrow(1, 0, 1).narrow(2, 1, 4); // [2, 1, 4]
    const narrow = linear(x.narrow(1, 2, 4), rows.select(1, 0)); // [3, 2]
    const turned = linear(contiguous(x.permute([1, 0])).narrow(1, 0, 2), w.narrow(0, 1, 3).narrow(1, 0, 2)); // [8, 3]
    return add(contiguous(narrow.reshape([6])), contiguous(turned.reshape([-1]).narrow(0, 3, 6)));
  };
  gradcheck(views, [w, x]);
});

test("an output that nothing came back to counts as zero gradient", async () => {
  await init();
  for (const which of [0, 1]) {
    const w = parameterOf([2], 1, 2);
    step(() => sum(twice(scale(w, 1))[which]).backward());
    assert.equal(gradient(w), which === 0 ? [2, 2] : [3, 3]);
  }
  const w = parameterOf([2], 1, 2);
  step(() => {
    const [a, b] = twice(scale(w, 1));
    sum(add(a, b)).backward();
  });
  assert.equal(gradient(w), [5, 5]);
});

test("a gradient is handed over only to a whole tensor of a step that has none yet", async () => {
  await init();
  const w = parameterOf([2], 1, 2);
  step(() => {
    const x = scale(w, 1);
    const y = scale(w, 1);
    seedGradient(y, [5, 6]);
    assert.not.ok(handOver(w, y), "a parameter keeps a buffer of its own");
    assert.not.ok(handOver(x.narrow(0, 0, 1), y), "a part is not the whole");
    assert.not.ok(handOver(full([2], 1), y), "an untracked tensor takes none");
    assert.ok(handOver(x, y));
    assert.equal(gradient(x), [5, 6]);
    assert.is(y.grad(), null);
    seedGradient(y, [1, 1]);
    assert.not.ok(handOver(x, y), "it has one");
    assert.equal(gradient(x), [5, 6], "the buffer is no longer y's");
  });
});

test("a gradient that was handed over still receives more", async () => {
  await initDouble();
  const [w, v] = [leaf([2, 4], 1), leaf([2, 4], 2)];
  const fn = () => {
    const x = multiply(w, v);
    const y = add(x, v); // hands over to x
    const z = multiply(x, y); // later in the forward pass, so earlier in the backward pass
    return add(subtract(z, x), add(x, x));
  };
  gradcheck(fn, [w, v]);
});

test("a chain of residual connections hands one buffer down and stays the derivative", async () => {
  await initDouble();
  const [w, v, gamma] = [leaf([2, 3, 4], 1), leaf([2, 3, 4], 2), leaf([4], 3)];
  const fn = () => {
    let x = multiply(w, v);
    const early = x;
    for (let i = 0; i < 3; i++) x = residual(x, multiply(x, v), { gamma });
    x = residual(x, x);
    return residual(add(x, early), multiply(early, early), { rows: Int32Array.of(1, 0), gamma });
  };
  gradcheck(fn, [w, v, gamma]);
});

test("gradients of one layer find room in those of the layer above, however long the chain", async () => {
  await init();
  const [w, v] = [parameterOf([16], ...new Array(16).fill(1)), full([16], 1.01)];
  const bytesOfBackward = (layers: number) =>
    step(() => {
      let x = multiply(w, v);
      for (let i = 1; i < layers; i++) x = multiply(x, v);
      const loss = sum(x);
      const before = memory().stepBytes;
      loss.backward();
      return memory().stepBytes - before;
    });
  assert.is(bytesOfBackward(40), bytesOfBackward(4));
});

test("room is reused within a backward pass only, never over the end of a step", async () => {
  await initDouble();
  const [w, v] = [leaf([8], 1), leaf([8], 2)];
  const fn = () => {
    const x = multiply(w, v);
    const y = multiply(multiply(x, x), v);
    return multiply(add(y, x), y);
  };
  for (let i = 0; i < 3; i++) gradcheck(fn, [w, v]);
  const twice = step(() => {
    sum(fn()).backward();
    sum(fn()).backward();
    return gradient(w);
  });
  for (const x of [w, v]) x.storage.gradientPresent = false;
  step(() => sum(fn()).backward());
  close(
    twice,
    gradient(w).map((value) => 2 * value),
    1e-12,
  );
});

test("both operands may be the same tensor", async () => {
  await initDouble();
  const w = leaf([5], 1);
  gradcheck(() => add(w, w), [w]);
  gradcheck(() => subtract(w, w), [w]);
  gradcheck(() => {
    const x = scale(w, 2);
    return multiply(add(x, x), x);
  }, [w]);
});

test("what arrives after clipping is not scaled with what came before", async () => {
  await init();
  const w = parameterOf([2], 1, 2);
  step(() => sum(multiply(w, fromArray([3, 4], [2]))).backward());
  clipGradients([w], 1);
  assert.ok(Math.abs(gradient(w)[0] - 0.6) < 1e-5, "clipped gradients are shown clipped");
  step(() => sum(w).backward());
  const [a, b] = gradient(w);
  assert.ok(Math.abs(a - 1.6) < 1e-5 && Math.abs(b - 1.8) < 1e-5, `${a}, ${b}`);
});

test("a buffer that an inner step made is not written after its end", async () => {
  await init();
  step(() => {
    const x = full([16], 1);
    x.storage.tracked = true;
    step(() => sum(x).backward());
    const innocent = full([16], 7);
    sum(scale(x, 2)).backward();
    assert.equal([...innocent.toArray()], new Array(16).fill(7));
    assert.equal(gradient(x), new Array(16).fill(2));
  });
});

test("outside a step too, a backward pass leaves no temporary behind", async () => {
  await init();
  const w = parameterOf([1], 2);
  w.backward();
  const { persistentBytes } = memory();
  w.backward();
  w.backward([3]);
  assert.is(memory().persistentBytes, persistentBytes);
  assert.equal(gradient(w), [5]);
  assert.is(runtime().step.depth, 0);
  const y = scale(w, 2);
  y.backward();
  assert.is(y.grad(), null, "an intermediate value keeps no gradient");
});
