import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import type { ImageSource } from "../../src/data/dataset.js";
import { EvalTransform, usualGeometry } from "../../src/data/eval-transform.js";
import { imageArray } from "../../src/data/image-array.js";
import { DataError, NumericError } from "../../src/errors.js";
import { extractFeatures, extractRows } from "../../src/eval/features.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const encoder = tinyEncoder();

/** Rows of features, copied out. */
async function rowsOf(source: ImageSource, options = {}): Promise<number[][]> {
  const { features } = await extractFeatures(source, encoder, options);
  const values = features.toArray();
  features.dispose();
  const [count, dim] = features.shape;
  return Array.from({ length: count }, (_, i) => [...values.subarray(i * dim, (i + 1) * dim)]);
}

test("images of the training size are taken as they are; features are class tokens of the normalised images", async () => {
  const source = squareSource(5);
  const { mean, std, channels } = encoder.spec;
  const transform = new EvalTransform({ geometry: { kind: "none", size: 16 }, channels, mean, std });
  const images = transform.allocate(5);
  transform.write(
    Array.from({ length: 5 }, (_, i) => squareImage(i)),
    images,
  );
  const expected = step(() => encoder.backbone.forward(images).classToken.toArray());
  assert.equal((await rowsOf(source, { normalize: false })).flat(), [...expected]);
});

test("features have length 1 unless asked otherwise, in the same direction", async () => {
  const source = squareSource(3);
  const [unit, raw] = [await rowsOf(source), await rowsOf(source, { normalize: false })];
  unit.forEach((row, i) => {
    assert.ok(Math.abs(Math.hypot(...row) - 1) < 1e-5);
    const length = Math.hypot(...raw[i]);
    for (const [c, value] of row.entries()) assert.ok(Math.abs(value - raw[i][c] / length) < 1e-5);
  });
});

test("the feature of an image depends on that image alone, whatever sizes stand beside it and across batches", async () => {
  const sides = Array.from({ length: 70 }, (_, i) => (i % 3 === 0 ? 16 : i % 3 === 1 ? 24 : 12));
  const images = sides.map((side, i) => squareImage(i, { side }));
  const together = await rowsOf(imageArray(images));
  assert.is(together.length, 70);
  for (const i of [0, 1, 2, 33, 63, 64, 69]) {
    const [alone] = await rowsOf(imageArray([images[i]]));
    assert.equal(together[i], alone, `image ${i}`);
  }
});

test("other sizes are resized in the usual proportion, 256 to 224, and cut; another geometry can be chosen", async () => {
  assert.equal(usualGeometry(224), { kind: "crop", shortSide: 256, size: 224 });
  const source = squareSource(2, 20);
  const usual = await rowsOf(source);
  assert.equal(await rowsOf(source, { geometry: { kind: "crop", shortSide: 18, size: 16 } }), usual);
  const stretched = await rowsOf(source, { geometry: { kind: "stretch", size: 16 } });
  assert.is.not(JSON.stringify(stretched), JSON.stringify(usual));
});

test("grey images are repeated over the channels", async () => {
  const { width, height, data } = squareImage(0);
  const grey = data.filter((_, i) => i % 3 === 0);
  const colour = Uint8Array.from({ length: 3 * grey.length }, (_, i) => grey[Math.floor(i / 3)]);
  const rows = await rowsOf(
    imageArray([
      { width, height, channels: 1, data: grey },
      { width, height, channels: 3, data: colour },
    ]),
  );
  assert.equal(rows[0], rows[1]);
});

/** A source in which some images cannot be read. */
function withBroken(count: number, broken: readonly number[]): ImageSource {
  const source = squareSource(count);
  return {
    ...source,
    read: (index) =>
      broken.includes(index) ? Promise.reject(new DataError(`image ${index}: is broken.`)) : source.read(index),
  };
}

test("rows, labels and indices are in the order of the source, without broken images, each of which is reported", async () => {
  const warnings: string[] = [];
  const progress: [number, number][] = [];
  const { features, labels, indices } = await extractFeatures(withBroken(7, [0, 4]), encoder, {
    onWarning: (message) => warnings.push(message),
    onProgress: (done, total) => progress.push([done, total]),
  });
  assert.equal([...indices], [1, 2, 3, 5, 6]);
  assert.equal([...labels], [1, 0, 1, 1, 0]);
  assert.equal(features.shape, [5, 16]);
  assert.equal(warnings, ["image 0: is broken. Left out.", "image 4: is broken. Left out."]);
  assert.equal(progress, [[5, 7]]);
  const whole = await rowsOf(squareSource(7));
  const values = features.toArray();
  [...indices].forEach((index, row) => {
    assert.equal([...values.subarray(16 * row, 16 * row + 16)], whole[index]);
  });
});

test("a broken image ends a strict extraction, and one without any readable image ends always", async () => {
  for (const [source, options, message] of [
    [withBroken(5, [3]), { strict: true }, /^image 3: is broken\./],
    [withBroken(2, [0, 1]), {}, /none of the 2 images/],
  ] as const) {
    try {
      await extractFeatures(source, encoder, options);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, DataError);
      assert.match((error as Error).message, message);
    }
  }
});

test("only the features stay in memory", async () => {
  const source = squareSource(70);
  await rowsOf(source);
  const before = memory();
  const { features } = await extractFeatures(source, encoder);
  assert.is(memory().stepBytes, before.stepBytes);
  features.dispose();
  assert.is(memory().persistentBytes, before.persistentBytes);
});

test("any rows can be read off the images of a source, in its order and with its labels", async () => {
  const read = (images: Tensor) => images.reshape([images.shape[0], -1]).narrow(1, 0, 5);
  const { features, labels } = await extractRows(squareSource(67), encoder, { dim: 5, read });
  assert.equal([features.shape, labels.length], [[67, 5], 67]);
  const [mean, std] = [encoder.spec.mean[0], encoder.spec.std[0]];
  for (const i of [0, 66]) {
    const reds = Array.from({ length: 5 }, (_, x) => (squareImage(i).data[3 * x] / 255 - mean) / std);
    close(features.select(0, i).toArray(), reds, 1e-5, `image ${i}`);
  }
  features.dispose();
});

test("a feature that is not finite ends it with the image's name", async () => {
  const read = (images: Tensor) => {
    const rows = images.reshape([images.shape[0], -1]).narrow(1, 0, 2);
    const values = rows.toArray();
    values[3] = Number.NaN;
    return fromArray(values, rows.shape);
  };
  try {
    await extractRows(squareSource(3), encoder, { dim: 2, read });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NumericError);
    assert.match((error as Error).message, /a number of image 1 is not finite/);
  }
});
