import * as assert from "uvu/assert";
import { PlaceReader } from "../../src/data/place-reader.js";
import { DataError } from "../../src/errors.js";
import { memorySource } from "../support/memory-source.js";
import { test } from "../support/test.js";

const order = Int32Array.of(5, 2, 0, 4, 1, 3);

test("what is met on the way to an image does not depend on what has been read before", async () => {
  const source = memorySource(6, [2, 4]);
  const reader = new PlaceReader(source, { batchSize: 2 });
  const first = await reader.read(order, 1); // 2, then a batch further on 4, then 1
  assert.equal([first.filled?.index, first.met], [1, [2, 4]]);
  const again = await reader.read(order, 1);
  assert.equal([again.filled?.index, again.met], [1, [2, 4]]);
  assert.equal(source.reads, [2, 4, 1, 1], "a broken image is read once");
  assert.equal([...reader.reasons.keys()], [2, 4]);
});

test("to skip is to look no further, and if all are broken nothing is found", async () => {
  const skipping = new PlaceReader(memorySource(6, [2]), { batchSize: 2, broken: "skip" });
  assert.equal(await skipping.read(order, 1), { filled: null, met: [2] });
  const none = new PlaceReader(memorySource(6, [0, 1, 2, 3, 4, 5]), { batchSize: 2 });
  const { filled, met } = await none.read(order, 3);
  assert.is(filled, null);
  assert.equal([...new Set(met)].sort(), [0, 1, 2, 3, 4, 5]);
});

test("a broken image is thrown where it is to end the run", async () => {
  const strict = new PlaceReader(memorySource(6, [2]), { batchSize: 2, broken: "throw" });
  let thrown: unknown;
  await strict.read(order, 1).catch((error) => {
    thrown = error;
  });
  assert.instance(thrown, DataError);
});

test("places side by side that hold one image read it once where images are repeated", async () => {
  const repeated = Int32Array.of(5, 5, 2, 2, 5, 5);
  const source = memorySource(6, [2]);
  const reader = new PlaceReader(source, { batchSize: 6, broken: "skip", repeats: 2 });
  const reads = await Promise.all(Array.from(repeated, (_, place) => reader.read(repeated, place)));
  assert.equal(
    reads.map(({ filled }) => filled?.index ?? null),
    [5, 5, null, null, 5, 5],
  );
  assert.equal(source.reads, [5, 2, 5]);
});
