import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { CropAndFlip } from "../../src/data/crop-and-flip.js";
import type { ImageSource } from "../../src/data/dataset.js";
import { batches } from "../../src/data/loader.js";
import { passOrder } from "../../src/data/order.js";
import { DataError } from "../../src/errors.js";
import { LinearInputs } from "../../src/eval/linear-inputs.js";
import { cachedBatches, freshBatches, type ProbeBatch } from "../../src/eval/probe-batches.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const encoder = tinyEncoder();
const inputs = new LinearInputs(encoder);

interface Taken {
  rows: number[];
  labels: number[];
}

/** The first batches of a stream, copied out; the stream is closed. */
async function take(stream: AsyncGenerator<ProbeBatch, unknown>, count: number): Promise<Taken[]> {
  const taken: Taken[] = [];
  while (taken.length < count) {
    const { value, done } = await stream.next();
    assert.not.ok(done);
    const { rows, labels } = value as ProbeBatch;
    taken.push({ rows: [...rows.toArray()], labels: [...labels] });
  }
  await stream.return(undefined);
  return taken;
}

test("cached features come in the order in which the loader reads images", async () => {
  const source = squareSource(10);
  const features = fromArray(
    Array.from({ length: 20 }, (_, i) => i),
    [10, 2],
  );
  const order = { batchSize: 4, seed: 6 };
  const taken = await take(cachedBatches({ features, labels: source.labels! }, { ...order, start: 0 }), 5);
  let i = 0;
  for await (const { indices, labels } of batches(source, order)) {
    assert.equal(taken[i].labels, [...labels!]);
    assert.equal(
      taken[i].rows,
      [...indices].flatMap((index) => [2 * index, 2 * index + 1]),
    );
    if (++i === 5) break;
  }
  const later = await take(cachedBatches({ features, labels: source.labels! }, { ...order, start: 3 }), 2);
  assert.equal(later, taken.slice(3));
});

test("fresh features are those of the images, cropped anew in each pass", async () => {
  const source = squareSource(70);
  const { imageSize: size, mean, std } = encoder.spec;
  const crops = new CropAndFlip({ size, channels: 3, mean, std });
  const slot = crops.allocate(1);
  const order = { batchSize: 66, seed: 2 };
  const taken = await take(freshBatches(source, encoder, inputs, { ...order, start: 0 }), 2);
  let i = 0;
  for await (const { indices, labels, pass } of batches(source, order)) {
    assert.equal(taken[i].labels, [...labels!]);
    for (const place of [0, 63, 64, 65]) {
      crops.write([squareImage(indices[place])], { seed: 2, pass, samples: [indices[place]] }, slot);
      const row = step(() => [...inputs.read(slot).toArray()]);
      assert.equal(taken[i].rows.slice(place * inputs.dim, (place + 1) * inputs.dim), row, `batch ${i}, row ${place}`);
    }
    if (++i === 2) break;
  }
});

test("a stream of fresh features can start on the way", async () => {
  const source = squareSource(9);
  const order = { batchSize: 4, seed: 2 };
  const whole = await take(freshBatches(source, encoder, inputs, { ...order, start: 0 }), 4);
  assert.equal(await take(freshBatches(source, encoder, inputs, { ...order, start: 2 }), 2), whole.slice(2));
  assert.not.equal(whole[0].rows, whole[2].rows);
});

test("a broken image is replaced and reported, or ends a strict stream", async () => {
  const source = squareSource(8);
  const broken = {
    ...source,
    read: (index: number) => (index === 3 ? Promise.reject(new DataError("image 3: is broken.")) : source.read(index)),
  };
  const warnings: string[] = [];
  const options = { batchSize: 4, seed: 0, start: 0, onWarning: (message: string) => warnings.push(message) };
  const taken = await take(freshBatches(broken, encoder, inputs, options), 2);
  assert.ok(taken.every(({ labels }) => labels.length === 4));
  assert.equal(warnings, ["image 3: is broken. Left out."]);
  try {
    await take(freshBatches(broken, encoder, inputs, { ...options, strict: true }), 2);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
  }
});

test("nothing is told about images that were read ahead of a stream that has been closed", async () => {
  const source = squareSource(8);
  const order = passOrder(8, 0, 0);
  const slow: ImageSource = {
    ...source,
    read: (index) =>
      order.indexOf(index) < 4
        ? source.read(index)
        : new Promise((_, reject) => setTimeout(() => reject(new DataError(`image ${index}: is broken.`)), 20)),
  };
  const warnings: string[] = [];
  const options = { batchSize: 4, seed: 0, start: 0, onWarning: (message: string) => warnings.push(message) };
  await take(freshBatches(slow, encoder, inputs, options), 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(warnings, []);
});

test("memory is given back when a stream is closed", async () => {
  const source = squareSource(8);
  const order = { batchSize: 4, seed: 2, start: 0 };
  const features = fromArray(new Float32Array(16), [8, 2]);
  await take(freshBatches(source, encoder, inputs, order), 1);
  const before = memory().persistentBytes;
  await take(freshBatches(source, encoder, inputs, order), 2);
  await take(cachedBatches({ features, labels: source.labels! }, order), 2);
  assert.is(memory().persistentBytes, before);
});
