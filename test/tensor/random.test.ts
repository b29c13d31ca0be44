import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { philox } from "../../src/tensor/philox.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

const COUNT = 100_000;

function moments(next: () => number): { mean: number; variance: number; skew: number; kurtosis: number } {
  const values = Float64Array.from({ length: COUNT }, next);
  const mean = values.reduce((sum, x) => sum + x, 0) / COUNT;
  const central = (power: number) => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / COUNT;
  const variance = central(2);
  return { mean, variance, skew: central(3) / variance ** 1.5, kurtosis: central(4) / variance ** 2 };
}

function close(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected} ± ${tolerance}`);
}

test("a stream draws the same numbers on every engine", () => {
  const rng = new Rng(42, 3, -1);
  assert.is(rng.next32(), 3191398816);
  assert.is(rng.next32(), 3415181697);
  assert.is(rng.uniform(), 0.8406312577909011);
  assert.is(rng.integer(0, 99), 62);
  assert.is(rng.normal(), -0.14336224954408208);
  assert.is(rng.truncatedNormal(0.02, 0.04), -0.002935694275425891);
  assert.equal([...rng.permutation(8)], [6, 2, 1, 4, 3, 0, 7, 5]);
});

test("a fork depends on seed and path alone", () => {
  const used = new Rng(7, 1);
  for (let i = 0; i < 5; i++) used.next32();
  const ways = [used.fork(2), new Rng(7).fork(1, 2), new Rng(7).fork(1).fork(2), new Rng(7, 1, 2)];
  assert.is(new Set(ways.map((rng) => rng.next32())).size, 1);
  assert.is(used.position, 5);
});

test("neighbouring seeds and paths give different and uncorrelated streams", () => {
  const streams = [
    new Rng(0),
    new Rng(1),
    new Rng(2 ** 32),
    new Rng(-1),
    new Rng(0, 0),
    new Rng(0, 1),
    new Rng(0, 0, 0),
    new Rng(1, 0),
  ];
  const values = streams.map((rng) => Float64Array.from({ length: 20_000 }, () => rng.uniform(-1, 1)));
  assert.is(new Set(values.map((x) => x[0])).size, streams.length);
  for (let i = 0; i < values.length; i++) {
    for (let j = 0; j < i; j++) {
      const correlation = values[i].reduce((sum, x, at) => sum + x * values[j][at], 0) / (20_000 / 3);
      close(correlation, 0, 0.04, `streams ${i} and ${j}`);
    }
  }
});

test("key derivation flips half of the bits when the path changes by one", () => {
  let flipped = 0;
  for (let i = 0; i < 1000; i++) {
    let difference = new Rng(5, i).next32() ^ new Rng(5, i + 1).next32();
    for (; difference !== 0; difference &= difference - 1) flipped++;
  }
  close(flipped / 1000, 16, 0.5, "bits");
});

test("uniform numbers fill their interval evenly", () => {
  const rng = new Rng(1);
  const { mean, variance } = moments(() => rng.uniform(2, 5));
  close(mean, 3.5, 0.015, "mean");
  close(variance, 0.75, 0.01, "variance");
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < COUNT; i++) counts[Math.floor(16 * rng.uniform())]++;
  const chiSquare = counts.reduce((sum, n) => sum + (n - COUNT / 16) ** 2 / (COUNT / 16), 0);
  assert.ok(chiSquare < 40, `χ² with 15 degrees of freedom is ${chiSquare}`);
});

test("normal numbers have the moments of a normal distribution", () => {
  const rng = new Rng(2);
  const { mean, variance, skew, kurtosis } = moments(() => rng.normal(1, 3));
  close(mean, 1, 0.04, "mean");
  close(variance, 9, 0.2, "variance");
  close(skew, 0, 0.04, "skew");
  close(kurtosis, 3, 0.1, "kurtosis");
});

test("truncated normal numbers stay inside and have the narrowed variance", () => {
  const rng = new Rng(3);
  let largest = 0;
  const { mean, variance } = moments(() => {
    const x = rng.truncatedNormal(2, 2);
    largest = Math.max(largest, Math.abs(x));
    return x;
  });
  assert.ok(largest <= 2 && largest > 1.99);
  close(mean, 0, 0.02, "mean");
  close(variance, 4 * 0.2911250947, 0.02, "variance"); // 1 − 2φ(1) / (2Φ(1) − 1) of one standard deviation
});

test("integers are inclusive at both ends and even between them", () => {
  const rng = new Rng(4);
  const counts = new Map<number, number>();
  for (let i = 0; i < 30_000; i++) {
    const x = rng.integer(-1, 1);
    counts.set(x, (counts.get(x) ?? 0) + 1);
  }
  assert.equal([...counts.keys()].sort(), [-1, 0, 1]);
  for (const n of counts.values()) close(n, 10_000, 400, "count");
  assert.is(rng.integer(5, 5), 5);
  assert.throws(
    () => rng.integer(3, 2),
    (error: Error) => error instanceof ConfigError,
  );
});

test("chance comes true as often as asked", () => {
  const rng = new Rng(5);
  let hits = 0;
  for (let i = 0; i < COUNT; i++) if (rng.chance(0.2)) hits++;
  close(hits / COUNT, 0.2, 0.006, "share");
  assert.not(rng.chance(0));
  assert.ok(rng.chance(1));
});

test("permutations hold every index once, and each place sees each index equally often", () => {
  const rng = new Rng(6);
  const first = new Array<number>(5).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const order = rng.permutation(5);
    assert.equal([...order].sort(), [0, 1, 2, 3, 4]);
    first[order[0]]++;
  }
  for (const n of first) close(n, 2000, 200, "count");
  assert.is(rng.permutation(0).length, 0);
});

test("a stream continues from a saved position", () => {
  for (const drawn of [0, 1, 4, 7, 1001]) {
    const rng = new Rng(8);
    for (let i = 0; i < drawn; i++) rng.next32();
    assert.is(rng.position, drawn);
    const copy = new Rng(8);
    copy.seek(rng.position);
    for (let i = 0; i < 6; i++) assert.is(copy.next32(), rng.next32());
  }
  assert.throws(() => new Rng(8).seek(-1), /position must be a whole number/);
});

test("a position beyond 2^34 words uses the second counter word", () => {
  const rng = new Rng(9);
  rng.seek(4 * (2 ** 32 + 5));
  const { key0, key1 } = new Rng(9).reserve(0);
  const words = new Uint32Array(4);
  philox(words, Uint32Array.of(5, 1, 0, 0), key0, key1);
  assert.is(rng.next32(), words[0]);
});

test("reserved blocks begin where the stream stands and are not drawn again", () => {
  const rng = new Rng(10);
  rng.next32();
  const blocks = rng.reserve(9);
  assert.is(blocks.counter0, 1);
  assert.is(blocks.counter1, 0);
  assert.is(rng.position, 16);
  const words = new Uint32Array(4);
  philox(words, Uint32Array.of(4, 0, 0, 0), blocks.key0, blocks.key1);
  assert.is(rng.next32(), words[0]);
});

test("a seed that is not an integer is refused", () => {
  assert.throws(
    () => new Rng(0.5),
    (error: Error) => error instanceof ConfigError && /seed and path/.test(error.message),
  );
  assert.throws(
    () => new Rng(1).fork(Number.NaN),
    (error: Error) => error instanceof ConfigError,
  );
});
