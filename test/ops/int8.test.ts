import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError } from "../../src/errors.js";
import { roundRows, valuesOf } from "../../src/formats/int8.js";
import { conv2d } from "../../src/ops/conv2d.js";
import { activationLimit, keepInt8 } from "../../src/ops/int8.js";
import { linear } from "../../src/ops/linear.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numelOf } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

function noise(shape: number[], seed: number): Tensor {
  const rng = new Rng(seed);
  return fromArray(
    Float32Array.from({ length: numelOf(shape) }, () => rng.normal()),
    shape,
  );
}

const valuesFrom = (y: () => Tensor) => step(() => y().toArray()) as Float32Array;

test("a linear layer and a 1×1 convolution compute with the rounded weight", () => {
  for (const [rows, into, out] of [
    [1, 5, 3],
    [17, 96, 40],
    [130, 31, 8],
  ]) {
    const [x, weight, bias] = [noise([rows, into], 1), noise([out, into], 2), noise([out], 3)];
    const rounded = fromArray(valuesOf(roundRows(weight.toArray() as Float32Array, out)), [out, into]);
    const expected = valuesFrom(() => linear(x, rounded, bias));
    const exact = valuesFrom(() => linear(x, weight, bias));
    keepInt8(weight);
    const found = valuesFrom(() => linear(x, weight, bias));
    const tolerance = 2e-4 * Math.sqrt(into); // inputs of 16 bits
    close(found, expected, tolerance, `${rows}x${into}x${out}`);
    assert.ok(found.some((value, i) => Math.abs(value - exact[i]) > tolerance));
    const map = x.reshape([1, rows, 1, into]);
    const taps = weight.reshape([out, into, 1, 1]);
    assert.equal([...valuesFrom(() => conv2d(map, taps, bias))], [...found]);
  }
});

test("rows of a wider matrix are read where they lie", () => {
  const [wide, weight] = [noise([9, 40], 4), noise([16, 24], 5)];
  const part = wide.narrow(1, 8, 24);
  keepInt8(weight);
  const dense = fromArray(part.toArray(), [9, 24]);
  assert.equal([...valuesFrom(() => linear(part, weight))], [...valuesFrom(() => linear(dense, weight))]);
});

test("a slice of the weight, a scaled product and one with a gradient use all of its bits", () => {
  const [x, weight, plain] = [noise([6, 12], 6), noise([8, 12], 7), noise([8, 12], 7)];
  keepInt8(weight);
  const same = (y: (w: Tensor) => Tensor) =>
    assert.equal([...valuesFrom(() => y(weight))], [...valuesFrom(() => y(plain))]);
  same((w) => linear(x, w.narrow(0, 0, 4)));
  same((w) => linear(x, w, null, { inputScale: 2 }));
  x.storage.tracked = true;
  same((w) => linear(x, w));
});

test("writing to the weight ends it, and disposing gives its memory back", () => {
  const before = memory().persistentBytes;
  const [x, weight] = [noise([2, 8], 8), noise([8, 8], 9)];
  const kept = memory().persistentBytes;
  keepInt8(weight);
  assert.ok(memory().persistentBytes > kept);
  const values = weight.toArray();
  weight.write(values);
  assert.is(memory().persistentBytes, kept);
  keepInt8(weight);
  keepInt8(weight);
  weight.dispose();
  x.dispose();
  assert.is(memory().persistentBytes, before);
});

test("inputs have 16 bits, or as many as a long sum has room for", () => {
  assert.equal([1, 384, 516, 3072].map(activationLimit), [32767, 32767, 32767, 5504]);
  for (const k of [517, 3072, 100_000]) assert.ok(activationLimit(k) * 127 * k < 2 ** 31);
});

test("a view and a trained weight are refused", () => {
  const weight = noise([4, 4], 10);
  refuses(() => keepInt8(weight.narrow(0, 0, 2)), ConfigError, "is a view or is trained");
  weight.storage.tracked = true;
  refuses(() => keepInt8(weight), ConfigError, "Materialize and freeze");
});
