import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { blockMask, type MaskDraws, maskBatch } from "../../src/data/masking.js";
import { Rng } from "../../src/tensor/random.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

const golden = storedFixture("golden/masking.safetensors");
const manifest = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/golden/manifest.json", import.meta.url), "utf8"),
);
const { config } = manifest.cases.find(({ name }: { name: string }) => name === "masking");

/** Draws from a script, one value each, as the golden case states. */
class ScriptedDraws implements MaskDraws {
  position = 0;
  private readonly script = golden("in.uniform").data as Float64Array;

  uniform(low: number, high: number): number {
    return low + (high - low) * this.script[this.position++];
  }

  integer(low: number, high: number): number {
    return low + Math.floor(this.script[this.position++] * (high - low + 1));
  }

  shuffle(order: Int32Array): Int32Array {
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

test("masks drawn from the official script are the official masks, draw by draw", () => {
  const draws = new ScriptedDraws();
  const options = { grid: config.grid, maxPatches: config.max_num_patches };
  config.single_targets.forEach((target: number, i: number) => {
    const mask = blockMask(draws, target, options);
    assert.equal(mask, golden("out.single_masks").data.slice(196 * i, 196 * (i + 1)), `target ${target}`);
    assert.is(draws.position, config.stream_position_after_each_single[i], `draws for target ${target}`);
  });
  const { collate } = config;
  const batch = maskBatch(draws, collate.global_images, {
    ...options,
    probability: collate.mask_probability,
    ratio: collate.mask_ratio,
  });
  assert.is(draws.position, collate.stream_end);
  assert.equal(batch.masks, golden("out.collated_masks").data);
  assert.equal(Array.from(batch.maskIndices), Array.from(golden("out.mask_indices_list").data, Number));
  assert.equal(batch.masksWeight, golden("out.masks_weight").data);
  assert.is(batch.upperbound, config.upperbound);
});

const options = { grid: 8, probability: 0.5, ratio: [0.1, 0.5] } as const;

const countsOf = ({ masks }: { masks: Uint8Array }, n: number) =>
  Array.from({ length: masks.length / n }, (_, i) =>
    masks.slice(i * n, (i + 1) * n).reduce((sum, bit) => sum + bit, 0),
  );

test("a mask never exceeds its target and comes close to it", () => {
  const rng = new Rng(1);
  for (let target = 0; target <= 98; target += 7) {
    const masked = blockMask(rng, target, { grid: 14 }).reduce((sum, bit) => sum + bit, 0);
    assert.ok(masked <= target && masked >= target - 8, `${masked} of ${target}`);
  }
});

test("half of the images get masks, whose sizes spread over the ratio range", () => {
  const counts = countsOf(maskBatch(new Rng(3), 128, options), 64);
  const masked = counts.filter((count) => count > 0).sort((a, b) => a - b);
  assert.is(masked.length, 64);
  assert.ok(masked[0] <= 7 && masked[63] >= 28 && masked[63] <= 32, `${masked[0]} … ${masked[63]}`);
  const mean = masked.reduce((sum, count) => sum + count, 0) / 64;
  assert.ok(Math.abs(mean - 0.3 * 64) < 1.5, `mean ${mean}`);
  assert.ok(counts.slice(0, 64).filter((count) => count > 0).length > 16, "masks are dealt to all parts of the batch");
});

test("indices ascend, and the weights of each masked image sum to 1", () => {
  const batch = maskBatch(new Rng(4), 10, options);
  const { masks, maskIndices, masksWeight } = batch;
  assert.equal(
    Array.from(maskIndices),
    Array.from(masks.keys()).filter((i) => masks[i] === 1),
  );
  const sums = new Float64Array(10);
  maskIndices.forEach((index, i) => {
    sums[Math.floor(index / 64)] += masksWeight[i];
  });
  countsOf(batch, 64).forEach((count, i) => {
    assert.ok(Math.abs(sums[i] - Math.min(count, 1)) < 1e-6, `image ${i}`);
  });
});

test("the upper bound holds and is the same for every batch of a size", () => {
  const bounds = Array.from({ length: 30 }, (_, seed) => {
    const { maskIndices, upperbound } = maskBatch(new Rng(seed), 12, options);
    assert.ok(maskIndices.length <= upperbound);
    return upperbound;
  });
  assert.is(new Set(bounds).size, 1);
});

test("masks depend on the stream alone", () => {
  assert.equal(maskBatch(new Rng(9, 1), 8, options), maskBatch(new Rng(9, 1), 8, options));
  assert.not.equal(maskBatch(new Rng(9, 1), 8, options).masks, maskBatch(new Rng(9, 2), 8, options).masks);
});

test("probability 0 and an empty batch mask nothing", () => {
  const none = maskBatch(new Rng(0), 6, { ...options, probability: 0 });
  assert.is(none.maskIndices.length, 0);
  assert.is(none.upperbound, 0);
  assert.is(none.masks.length, 384);
  assert.is(maskBatch(new Rng(0), 0, options).masks.length, 0);
});

for (const [given, message] of [
  [{ grid: 0 }, /grid must be a positive whole number, got 0/],
  [{ probability: 1.5 }, /mask_sample_probability must lie in 0…1, got 1.5/],
  [{ ratio: [0.5, 0.1] }, /mask_ratio_min_max must ascend within 0…1, got \[0.5, 0.1\]/],
  [{ minAspect: 0 }, /least aspect must lie in 0…1, got 0/],
] as const) {
  test(`masking refuses ${JSON.stringify(given)}`, () => {
    assert.throws(() => maskBatch(new Rng(0), 4, { ...options, ...given }), message);
  });
}
