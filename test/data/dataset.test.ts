import * as assert from "uvu/assert";
import { type ImageSource, randomSplit, randomSubset, range, subset } from "../../src/data/dataset.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { Rng } from "../../src/tensor/random.js";
import { memorySource } from "../support/memory-source.js";
import { test } from "../support/test.js";

const source = memorySource(10);

async function firstSamples(part: ImageSource): Promise<number[]> {
  const images = await Promise.all(Array.from({ length: part.length }, (_, i) => part.read(i)));
  return images.map(({ data }) => data[0]);
}

test("a subset shows the chosen images with their labels and paths", async () => {
  const part = subset(source, Int32Array.of(7, 2, 2), "three");
  assert.is(part.length, 3);
  assert.equal(await firstSamples(part), [7, 2, 2]);
  assert.equal([...part.labels!], [2, 2, 2]);
  assert.equal([part.path(0), part.path(2)], ["memory#7", "memory#2"]);
  assert.is(part.classes, source.classes);
});

test("a range holds its first image and not its end, and ranges of ranges compose", async () => {
  assert.equal(await firstSamples(range(source, 3, 6)), [3, 4, 5]);
  assert.equal(await firstSamples(range(range(source, 3, 9), 1, 3)), [4, 5]);
});

test("a range outside the source is refused with its length, an empty one as a mistake", () => {
  assert.throws(
    () => range(source, 3, 11),
    (error: Error) => error instanceof DataError && /memory has 10 images, so @3\.\.11/.test(error.message),
  );
  for (const [begin, end] of [
    [3, 3],
    [4, 2],
    [-1, 2],
    [0.5, 2],
  ]) {
    assert.throws(
      () => range(source, begin, end),
      (error: Error) => error instanceof ConfigError,
    );
  }
});

test("a random split deals every image to one part, by the seed alone", async () => {
  const split = () => randomSplit(source, 7, new Rng(5));
  const [first, rest] = split();
  assert.equal([first.length, rest.length], [7, 3]);
  const dealt = [...(await firstSamples(first)), ...(await firstSamples(rest))];
  assert.equal(
    [...dealt].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.equal(await firstSamples(split()[0]), await firstSamples(first));
  assert.not.equal(await firstSamples(randomSplit(source, 7, new Rng(6))[0]), await firstSamples(first));
  for (const count of [0, 10, 2.5]) {
    assert.throws(
      () => randomSplit(source, count, new Rng(0)),
      (error: Error) => error instanceof ConfigError,
    );
  }
});

test("a fingerprint tells sources and their parts apart, and is the same for the same content", () => {
  const parts = [source, range(source, 0, 5), range(source, 0, 6), range(source, 1, 6), memorySource(11)];
  const prints = parts.map((part) => part.fingerprint());
  assert.is(new Set(prints).size, parts.length);
  assert.ok(prints.every((print) => /^[0-9a-f]{16}$/.test(print)));
  assert.is(range(memorySource(10), 1, 6).fingerprint(), prints[3]);
});

test("a random subset has so many different images in the source's order, by the draw alone, with their labels", async () => {
  const draw = (count: number, seed = 1) => randomSubset(source, count, new Rng(seed));
  const values = await firstSamples(draw(4));
  assert.is(new Set(values).size, 4);
  assert.equal(
    values,
    [...values].sort((a, b) => a - b),
  );
  assert.equal(await firstSamples(draw(4)), values);
  assert.not.equal(await firstSamples(draw(4, 2)), values);
  assert.equal(
    [...draw(4).labels!],
    values.map((value) => source.labels![value]),
  );
  assert.ok(draw(10) === source && draw(11) === source);
  for (const count of [0, 1.5, -1]) assert.throws(() => draw(count), /expected a whole number from 1 on/);
});
