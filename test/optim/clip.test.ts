import * as assert from "uvu/assert";
import { seedGradient } from "../../src/autograd/gradient.js";
import { step } from "../../src/autograd/tape.js";
import { Module } from "../../src/nn/module.js";
import { clipGradients } from "../../src/optim/clip.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

class Two extends Module {
  readonly a = parameter([3], () => 0);
  readonly b = parameter([9000], () => 0);
  readonly idle = parameter([5], () => 0);
}

function prepare(scale: number): Two {
  const net = new Two();
  step(() => {
    seedGradient(net.a, [scale, 2 * scale, -2 * scale]);
    seedGradient(
      net.b,
      numbers([9000], 1).map((x) => scale * x),
    );
  });
  return net;
}

const expectedNorm = Math.sqrt(9 + numbers([9000], 1).reduce((sum, x) => sum + x * x, 0));

test("the norm runs over all gradients that have arrived", async () => {
  await init();
  const norm = clipGradients(prepare(1), Number.POSITIVE_INFINITY);
  assert.ok(Math.abs(norm - expectedNorm) < 1e-6 * expectedNorm, `${norm}, expected ${expectedNorm}`);
});

test("a large norm is noted as a common factor, which the gradients show", async () => {
  await init();
  const net = prepare(1);
  const norm = clipGradients(net, 1.5);
  for (const x of [net.a, net.b]) assert.is(x.storage.gradientScale, 1.5 / (norm + 1e-6));
  const factor = net.a.storage.gradientScale;
  assert.equal(
    [...net.a.grad()!],
    [1, 2, -2].map((value) => Math.fround(factor * value)),
  );
});

test("a small norm leaves the factor at one", async () => {
  await init();
  const net = prepare(1e-3);
  clipGradients(net, 1.5);
  assert.is(net.a.storage.gradientScale, 1);
});

test("clipping twice counts the first factor in", async () => {
  await init();
  const net = prepare(1);
  clipGradients(net, 1.5);
  const again = clipGradients(net.parameters(), 1.5);
  assert.ok(Math.abs(again - 1.5) < 1e-5, `${again}`);
});

test("the factor does not outlive its gradient", async () => {
  await init();
  const net = prepare(1);
  clipGradients(net, 1.5);
  net.a.storage.gradientPresent = false;
  step(() => seedGradient(net.a, [1, 0, 0]));
  assert.is(net.a.storage.gradientScale, 1);
});

test("a gradient that is not finite shows in the norm", async () => {
  await init();
  const net = prepare(1);
  step(() => seedGradient(net.idle, [0, Number.NaN, 0, 0, 0]));
  assert.ok(Number.isNaN(clipGradients(net, 1.5)));
});

test("without gradients the norm is zero", async () => {
  await init();
  assert.is(clipGradients(new Two(), 1), 0);
});

test("measuring keeps no memory", async () => {
  const { persistent } = await init();
  const net = prepare(1);
  const before = persistent.usedBytes;
  clipGradients(net, 1);
  assert.is(persistent.usedBytes, before);
});
