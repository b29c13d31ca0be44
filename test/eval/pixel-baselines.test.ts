import * as assert from "uvu/assert";
import { imageArray } from "../../src/data/image-array.js";
import { pixelBaselines, readPixels } from "../../src/eval/pixel-baselines.js";
import { init, memory } from "../../src/runtime/context.js";
import { close } from "../support/close.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

const form = { channels: 3, imageSize: 16, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

/** Pixels 0 … 1 of an image, channels first. */
function planes(index: number): number[] {
  const { data } = squareImage(index);
  return [0, 1, 2].flatMap((c) => Array.from({ length: 256 }, (_, i) => data[3 * i + c] / 255));
}

const unit = (row: readonly number[]) => {
  const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  return row.map((x) => x / length);
};

test("pixels are values from 0 to 1, channels first, with labels", async () => {
  const source = squareSource(4);
  const { features, labels, indices } = await readPixels(source, form);
  assert.equal(
    [features.shape, [...labels], [...indices]],
    [
      [4, 768],
      [0, 1, 0, 1],
      [0, 1, 2, 3],
    ],
  );
  close(features.select(0, 2).toArray(), planes(2), 1e-6);
  features.dispose();
});

test("images above 32 pixels are brought to that side", async () => {
  const source = imageArray([squareImage(0, { side: 48 }), squareImage(1, { side: 40 })]);
  const { features } = await readPixels(source, { ...form, imageSize: 64 });
  assert.equal(features.shape, [2, 3 * 32 * 32]);
  features.dispose();
});

test("baselines are pixels, normalised pixels, components and whitened components, all of unit length", async () => {
  const pixels = { bank: await readPixels(squareSource(30), form), queries: await readPixels(squareSource(7), form) };
  const before = memory().persistentBytes;
  const names: string[] = [];
  for (const { name, bank, queries } of pixelBaselines(pixels, form)) {
    names.push(name);
    assert.equal([bank.features.shape[0], queries.features.shape[0]], [30, 7]);
    assert.is(bank.labels, pixels.bank.labels);
    const row = queries.features.select(0, 3).toArray() as Float32Array;
    close([Math.sqrt(row.reduce((sum, x) => sum + x * x, 0))], [1], 1e-5);
    if (name === "rawPixels") close(row, unit(planes(3)), 1e-6);
    if (name === "normalizedPixels") {
      const normalized = planes(3).map((x, i) => (x - form.mean[Math.floor(i / 256)]) / form.std[Math.floor(i / 256)]);
      close(row, unit(normalized), 1e-5);
    }
    if (name.endsWith("ca")) assert.is(row.length, 29, "30 images vary in 29 directions at most");
  }
  assert.equal(names, ["rawPixels", "normalizedPixels", "pca", "whitenedPca"]);
  assert.is(memory().persistentBytes, before);
});
