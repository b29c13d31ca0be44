import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { fillConstant, fillNormal, fillTruncatedNormal, fillUniform } from "../../src/tensor/fill.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const fillers: Record<string, (x: Tensor, rng: Rng) => void> = {
  uniform: (x, rng) => fillUniform(x, rng, { low: -3, high: 5 }),
  normal: (x, rng) => fillNormal(x, rng, { std: 2 }),
  truncated: (x, rng) => fillTruncatedNormal(x, rng, { std: 2, bound: 1 }),
};

function drawn(fill: (x: Tensor, rng: Rng) => void, rng: Rng, size = 1001): Float32Array {
  const x = empty([size]);
  fill(x, rng);
  return x.toArray() as Float32Array;
}

test("a stream gives the same numbers each time, other streams and later draws give others", async () => {
  await init();
  for (const [name, fill] of Object.entries(fillers)) {
    const rng = new Rng(1, 2);
    const first = drawn(fill, rng);
    assert.equal(drawn(fill, new Rng(1, 2)), first, name);
    assert.not.equal(drawn(fill, rng), first, name);
    assert.not.equal(drawn(fill, new Rng(1, 3)), first, name);
  }
});

test("two draws of half the size are one draw of the whole, at whole blocks of four", async () => {
  await init();
  for (const [name, fill] of Object.entries(fillers)) {
    const [rng, whole] = [new Rng(4), new Rng(4)];
    const halves = [...drawn(fill, rng, 100), ...drawn(fill, rng, 28)];
    assert.equal(halves, [...drawn(fill, whole, 128)], name);
    assert.is(rng.next32(), whole.next32(), name);
  }
});

test("each element takes one word of the stream, in its order", async () => {
  await init();
  const rng = new Rng(3, 1);
  const words = Array.from({ length: 9 }, () => rng.next32());
  close(
    drawn(fillers.uniform, new Rng(3, 1), 9),
    words.map((word) => -3 + (8 * (word >>> 8)) / 2 ** 24),
    1e-6,
  );
});

test("the numbers lie where they should", async () => {
  await init();
  const uniform = drawn(fillers.uniform, new Rng(1), 20_000);
  assert.ok(uniform.every((value) => value >= -3 && value < 5));
  const truncated = drawn(fillers.truncated, new Rng(1), 20_000);
  assert.ok(truncated.every((value) => Math.abs(value) <= 1));
  assert.ok(truncated.some((value) => value > 0.99) && truncated.some((value) => value < -0.99));
  const normal = drawn(fillers.normal, new Rng(1), 20_000);
  close([normal.reduce((sum, value) => sum + value * value, 0) / 20_000], [4], 0.05);
});

test("a spread of zero fills with zeros, a constant with itself", async () => {
  await init();
  const x = empty([5]);
  x.write(new Array(5).fill(Number.NaN));
  fillTruncatedNormal(x, new Rng(1), { std: 0, bound: 2 });
  assert.equal([...x.toArray()], [0, 0, 0, 0, 0]);
  fillNormal(x, new Rng(1), { std: 0 });
  assert.equal([...x.toArray()], [0, 0, 0, 0, 0]);
  fillConstant(x, 0.5);
  assert.equal([...x.toArray()], [0.5, 0.5, 0.5, 0.5, 0.5]);
});

test("on a heap of doubles the numbers are the same to single precision", async () => {
  await init();
  const single = Object.values(fillers).map((fill) => drawn(fill, new Rng(7), 50));
  await initDouble();
  Object.values(fillers).forEach((fill, i) => {
    close(drawn(fill, new Rng(7), 50), single[i], 1e-6);
  });
});
