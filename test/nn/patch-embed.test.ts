import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { NormedPatchEmbed, PatchEmbed } from "../../src/nn/patch-embed.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { close } from "../support/close.js";
import { gradcheck, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("each patch is a convolution with stride equal to its kernel, patches row by row", async () => {
  await initDouble();
  const [channels, width, p, height, cols] = [2, 3, 2, 4, 6];
  const embed = new PatchEmbed(channels, width, p, new Rng(1));
  const images = fromArray(numbers([2, channels, height, cols], 1), [2, channels, height, cols]);
  const y = step(() => embed.forward(images)).toArray();
  const [x, w, bias] = [images.toArray(), embed.proj.weight.toArray(), embed.proj.bias.toArray()];
  let at = 0;
  for (let b = 0; b < 2; b++)
    for (let top = 0; top < height; top += p)
      for (let left = 0; left < cols; left += p)
        for (let out = 0; out < width; out++) {
          let sum = bias[out];
          for (let c = 0; c < channels; c++)
            for (let i = 0; i < p; i++)
              for (let j = 0; j < p; j++)
                sum +=
                  w[((out * channels + c) * p + i) * p + j] *
                  x[((b * channels + c) * height + top + i) * cols + left + j];
          assert.ok(Math.abs(y[at++] - sum) < 1e-14);
        }
  assert.is(at, y.length);
});

test("a slice is the full embedding's first channels, unscaled", async () => {
  await init();
  const embed = new PatchEmbed(3, 8, 4, new Rng(1));
  const images = fromArray(numbers([1, 3, 8, 8], 1), [1, 3, 8, 8]);
  const full = step(() => embed.forward(images));
  const slice = step(() => embed.slice(5).forward(images));
  assert.equal(slice.shape, [1, 4, 5]);
  const expected = full.narrow(2, 0, 5).toArray();
  close(slice.toArray(), expected, 1e-6);
});

test("a slice is differentiated into the first rows of the full weight", async () => {
  await initDouble();
  const embed = new PatchEmbed(1, 4, 2, new Rng(1));
  const images = fromArray(numbers([2, 1, 4, 4], 1), [2, 1, 4, 4]);
  gradcheck(() => embed.slice(3).forward(images), embed.parameters());
});

test("weight and bias start uniform within ±1/√fan_in", async () => {
  await init();
  const { weight, bias } = new PatchEmbed(3, 64, 4, new Rng(1)).proj;
  const bound = 1 / Math.sqrt(48);
  for (const x of [weight, bias]) {
    const values = Array.from(x.toArray());
    assert.ok(values.every((value) => Math.abs(value) <= Math.fround(bound)));
    assert.ok(Math.max(...values) > 0.9 * bound && Math.min(...values) < -0.9 * bound);
  }
  assert.equal(weight.shape, [64, 3, 4, 4]);
});

test("patches with a norm are a map, each patch normalised over all its channels", async () => {
  await init();
  const embed = new NormedPatchEmbed(3, 8, { patchSize: 4, eps: 1e-5, rng: new Rng(1) });
  const images = fromArray(numbers([2, 3, 8, 12], 1), [2, 3, 8, 12]);
  step(() => {
    const y = embed.forward(images);
    assert.equal(y.shape, [2, 2, 3, 8]);
    const plain = embed.norm.forward(embed.proj.forward(images, 4));
    assert.equal(y.toArray(), plain.toArray());
    const first = y.toArray().slice(0, 8);
    assert.ok(Math.abs(Array.from(first).reduce((sum, value) => sum + value, 0)) < 1e-5);
  });
});
