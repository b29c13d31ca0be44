import * as assert from "uvu/assert";
import { type BatchOptions, type BatchStream, batches, type ImageBatch } from "../../src/data/loader.js";
import { passOrder } from "../../src/data/order.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { test } from "../support/test.js";

async function take(stream: BatchStream, count = Number.POSITIVE_INFINITY): Promise<ImageBatch[]> {
  const taken: ImageBatch[] = [];
  for await (const batch of stream) {
    taken.push(batch);
    if (taken.length >= count) break;
  }
  return taken;
}

function indicesOf(taken: readonly ImageBatch[]): number[] {
  return taken.flatMap(({ indices }) => [...indices]);
}

test("a pass holds every image once, with the label and the index that belong to it", async () => {
  const source = memorySource(11);
  const taken = await take(batches(source, { batchSize: 4, passes: 1, dropLast: false }));
  assert.equal(
    taken.map(({ images }) => images.length),
    [4, 4, 3],
  );
  assert.equal(
    taken.map(({ iteration, pass }) => [iteration, pass]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
  );
  assert.equal(indicesOf(taken), [...passOrder(11, 0, 0)]);
  for (const { images, indices, labels } of taken) {
    images.forEach(({ data }, i) => {
      assert.is(data[0], indices[i]);
      assert.is(labels![i], source.labels![indices[i]]);
    });
  }
});

test("with dropLast every batch is full, and the next pass has another order", async () => {
  const taken = await take(batches(memorySource(11), { batchSize: 4, seed: 9 }), 5);
  assert.ok(taken.every(({ images }) => images.length === 4));
  assert.equal(
    taken.map(({ pass }) => pass),
    [0, 0, 1, 1, 2],
  );
  assert.equal(indicesOf(taken.slice(2, 4)), [...passOrder(11, 9, 1)].slice(0, 8));
});

test("a stream that starts later delivers what the first one would have delivered there", async () => {
  for (const broken of [[], [2, 7, 8]]) {
    const options: BatchOptions = { batchSize: 3, seed: 4 };
    const whole = await take(batches(memorySource(10, broken), options), 9);
    for (const startIteration of [1, 2, 3, 7]) {
      const resumed = await take(batches(memorySource(10, broken), { ...options, startIteration }), 9 - startIteration);
      assert.equal(resumed, whole.slice(startIteration));
    }
  }
});

test("without shuffle the images come in the source's order in every pass", async () => {
  const taken = await take(batches(memorySource(5), { batchSize: 2, shuffle: false, dropLast: false, passes: 2 }));
  assert.equal(indicesOf(taken), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
});

test("a broken image is replaced by the one a batch further on, or the first good one after it", async () => {
  const order = passOrder(10, 0, 0);
  const broken = [order[1], order[4], order[5]]; // place 1 looks at 4, 5, then 6
  const warnings: string[] = [];
  const stream = batches(memorySource(10, broken), { batchSize: 3, onWarning: (message) => warnings.push(message) });
  const [first, second] = await take(stream, 2);
  assert.equal([...first.indices], [order[0], order[6], order[2]]);
  assert.equal([...second.indices], [order[3], order[7], order[8]]);
  assert.equal(
    first.images.map(({ data }) => data[0]),
    [...first.indices],
  );
});

test("the replacement wraps around at the end of the pass", async () => {
  const order = passOrder(6, 0, 0);
  const [, second] = await take(batches(memorySource(6, [order[5]]), { batchSize: 3 }), 2);
  assert.equal([...second.indices], [order[3], order[4], order[2]]);
});

test("a broken image is read, warned about and counted once, however many passes are made", async () => {
  const source = memorySource(8, [3]);
  const warnings: string[] = [];
  const stream = batches(source, { batchSize: 4, passes: 5, onWarning: (message) => warnings.push(message) });
  await take(stream);
  assert.equal(warnings, ["memory#3: is broken. Left out."]);
  assert.equal([...stream.broken], [["memory#3", "memory#3: is broken."]]);
  assert.is(source.reads.filter((index) => index === 3).length, 1);
});

test("skipping leaves broken images out, and a batch of nothing but them", async () => {
  const stream = batches(memorySource(6, [1, 2, 3]), { batchSize: 2, shuffle: false, passes: 1, broken: "skip" });
  const taken = await take(stream);
  assert.equal(
    taken.map(({ iteration, indices }) => [iteration, ...indices]),
    [
      [0, 0],
      [2, 4, 5],
    ],
  );
  assert.is(stream.broken.size, 3);
});

async function failure(stream: BatchStream): Promise<Error> {
  try {
    await take(stream);
  } catch (error) {
    return error as Error;
  }
  throw new Error("did not fail");
}

test("in strict mode the first broken image ends the iteration, after the batches before it", async () => {
  const stream = batches(memorySource(6, [4]), { batchSize: 2, shuffle: false, broken: "throw" });
  const seen: number[] = [];
  try {
    for await (const { iteration } of stream) seen.push(iteration);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.is((error as Error).message, "memory#4: is broken.");
  }
  assert.equal(seen, [0, 1]);
});

test("if no image can be read, that is an error in every mode", async () => {
  for (const broken of ["replace", "skip", "throw"] as const) {
    const error = await failure(batches(memorySource(4, [0, 1, 2, 3]), { batchSize: 2, broken }));
    assert.instance(error, DataError);
    if (broken !== "throw")
      assert.match(error.message, /none of the 4 images of memory can be read\. The first: memory#/);
  }
});

test("an error that is not about data is passed on", async () => {
  const source = { ...memorySource(4), read: () => Promise.reject(new RangeError("a bug")) };
  assert.instance(await failure(batches(source, { batchSize: 2 })), RangeError);
});

test("no more than the wanted number of batches is read ahead", async () => {
  for (const prefetch of [0, 1, 3]) {
    const source = memorySource(40);
    const iterator = batches(source, { batchSize: 2, prefetch })[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is(source.reads.length, 2 * (1 + prefetch));
    await iterator.return?.();
  }
});

test("images are converted to the wanted number of channels", async () => {
  const [batch] = await take(batches(memorySource(4), { batchSize: 2, channels: 3 }), 1);
  assert.equal(
    batch.images.map(({ data }) => [...data]),
    [...batch.indices].map((index) => [index, index, index]),
  );
});

test("what cannot be a stream is refused at once", () => {
  assert.throws(
    () => batches(memorySource(4), { batchSize: 5 }),
    (error: Error) => error instanceof DataError,
  );
  assert.throws(
    () => batches(memorySource(4), { batchSize: 0 }),
    (error: Error) => error instanceof ConfigError,
  );
  assert.throws(
    () => batches(memorySource(4), { batchSize: 2, startIteration: -1 }),
    (error: Error) => error instanceof ConfigError,
  );
});

test("repeated images share a batch with a look each, and are decoded once for them", async () => {
  const source = memorySource(10);
  const taken = await take(batches(source, { batchSize: 6, seed: 4, repeats: 3 }), 2);
  for (const [pass, { indices, looks, images }] of taken.entries()) {
    const [a, b] = passOrder(10, 4, pass);
    assert.equal([...indices], [a, a, a, b, b, b]);
    assert.equal(
      [...looks],
      [0, 1, 2, 0, 1, 2].map((repeat) => 3 * pass + repeat),
    );
    assert.equal(
      images.map(({ data }) => data[0]),
      [...indices],
    );
  }
  const [first] = await take(batches(memorySource(10), { batchSize: 6, prefetch: 0 }), 1);
  assert.equal([...first.looks], [0, 0, 0, 0, 0, 0]);
  const counted = memorySource(10);
  await take(batches(counted, { batchSize: 6, seed: 4, repeats: 3, prefetch: 0 }), 1);
  assert.equal(counted.reads, [...passOrder(10, 4, 0)].slice(0, 2));
});

test("in the places of a broken image that is repeated stand others, whose own looks they have", async () => {
  const [, broken] = passOrder(12, 4, 0);
  const options = { batchSize: 6, seed: 4, repeats: 3, passes: 1 };
  const warnings: string[] = [];
  const [first, second] = await take(
    batches(memorySource(12, [broken]), { ...options, onWarning: (message) => warnings.push(message) }),
  );
  const [a, , c, d] = passOrder(12, 4, 0);
  assert.equal([...first.indices], [a, a, a, d, d, d]);
  assert.equal([...second.indices], [c, c, c, d, d, d]);
  assert.is(new Set([...first.indices].map((index, i) => `${index} ${first.looks[i]}`)).size, 6);
  assert.is(warnings.length, 1);
});
