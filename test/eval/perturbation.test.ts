import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import {
  divides,
  OCCLUSION_PERCENT,
  occlusion,
  occlusionGrid,
  type Perturbation,
  SHUFFLE_GRIDS,
  shuffle,
} from "../../src/eval/perturbation.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const [batch, channels, size] = [2, 3, 8];
/** Every number another one, none of them 0. */
const values = Float32Array.from({ length: batch * channels * size * size }, (_, i) => i + 1);
const images = fromArray(values, [batch, channels, size, size]);

function changed(perturbation: Perturbation, number = 0): Float32Array {
  const result = perturbation.apply(images, number);
  const copy = result.toArray() as Float32Array;
  result.dispose();
  return copy;
}

/** Place of a number of `images`: image, channel, row, column. */
const placeOf = (i: number) => [
  Math.floor(i / (channels * size * size)),
  Math.floor(i / (size * size)) % channels,
  Math.floor(i / size) % size,
  i % size,
];

test("whole patches are 0, the same ones in every channel and image of a batch, the rest is untouched", () => {
  const result = changed(occlusion(30, { rows: 4, cols: 4 }, 0));
  const zero = new Set<string>();
  result.forEach((value, i) => {
    const [, , y, x] = placeOf(i);
    if (value === 0) zero.add(`${y >> 1},${x >> 1}`);
    else assert.is(value, values[i]);
  });
  assert.is(zero.size, 4, "⌊0.3 · 16⌋");
  assert.is(result.filter((value) => value === 0).length, 4 * 4 * batch * channels);
});

test("every share drops its number of patches, a larger one those of a smaller one too", () => {
  const grid = { rows: 4, cols: 4 };
  let before = new Set<number>();
  for (const percent of OCCLUSION_PERCENT) {
    const zero = new Set([...changed(occlusion(percent, grid, 1))].flatMap((value, i) => (value === 0 ? [i] : [])));
    assert.is(zero.size, Math.floor((percent * 16) / 100) * 4 * batch * channels);
    assert.ok([...before].every((i) => zero.has(i)));
    before = zero;
  }
});

test("pieces change places as wholes, in the same way in every channel and image", () => {
  const result = changed(shuffle({ rows: 2, cols: 4 }, 0));
  assert.equal(
    [...result].sort((a, b) => a - b),
    [...values],
    "every number is there once",
  );
  const from = new Map<string, string>();
  result.forEach((value, i) => {
    const [b, c, y, x] = placeOf(i);
    const [sourceB, sourceC, sourceY, sourceX] = placeOf(value - 1);
    assert.equal([sourceB, sourceC, sourceY % 4, sourceX % 2], [b, c, y % 4, x % 2]);
    const [to, source] = [`${y >> 2},${x >> 1}`, `${sourceY >> 2},${sourceX >> 1}`];
    assert.is(from.get(to) ?? source, source);
    from.set(to, source);
  });
  assert.is(from.size, 8);
  assert.ok([...from].some(([to, source]) => to !== source));
});

test("the draw is a function of seed and batch", () => {
  const kinds = [
    (seed: number) => occlusion(50, { rows: 4, cols: 4 }, seed),
    (seed: number) => shuffle({ rows: 4, cols: 4 }, seed),
  ];
  for (const kind of kinds) {
    assert.equal(changed(kind(0)), changed(kind(0)));
    assert.not.equal(changed(kind(0)), changed(kind(1)));
    assert.not.equal(changed(kind(0)), changed(kind(0), 1));
  }
});

test("the images stay as they were, and no memory stays behind", () => {
  const before = memory().persistentBytes;
  changed(occlusion(90, { rows: 8, cols: 8 }, 0));
  changed(shuffle({ rows: 8, cols: 8 }, 0));
  assert.equal(images.toArray(), values);
  assert.is(memory().persistentBytes, before);
});

test("published images have 14 × 14 patches, others the most up to that which divide them", () => {
  const sides = [224, 28, 32, 96, 160, 5, 17].map((size) => occlusionGrid(size).rows);
  assert.equal(sides, [14, 14, 8, 12, 10, 5, 1]);
});

test("of the published grids those that divide an image are left: all but 14 × 14 for 32 pixels", () => {
  const names = (size: number) =>
    SHUFFLE_GRIDS.filter((grid) => divides(grid, size)).map((grid) => shuffle(grid, 0).name);
  assert.equal(names(224), ["2x2", "2x4", "4x4", "4x8", "8x8", "14x14", "16x16"]);
  assert.equal(names(32), ["2x2", "2x4", "4x4", "4x8", "8x8", "16x16"]);
  assert.equal(names(28), ["2x2", "2x4", "4x4", "14x14"]);
});

test("a grid that leaves a rest is refused", () => {
  refuses(
    () => shuffle({ rows: 3, cols: 2 }, 0).apply(images, 0),
    ConfigError,
    "images of 8 pixels cannot be cut into 3 × 2 equal ones",
  );
});
