import * as assert from "uvu/assert";
import { init, memory } from "../../src/runtime/context.js";
import { BatchMaker, type ImageSample } from "../../src/train/crops.js";
import { runConfig, squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

const sample = (pass: number, ...indices: number[]): ImageSample => ({
  images: indices.map((index) => squareImage(index)),
  indices,
  pass,
});

/** Everything in a batch, copied out of its slots. */
function contents(maker: BatchMaker, images: ImageSample, { iteration = 3, micro = 0, masked = true } = {}) {
  const batch = maker.make(images, iteration, micro, masked);
  return {
    images: batch.images,
    globals: [...batch.globals.toArray()],
    locals: batch.locals && [...batch.locals.toArray()],
    masks: batch.masked && [...batch.masked.masks.toArray()],
    indices: batch.masked && [...batch.masked.indices],
    weights: batch.masked && [...batch.masked.weights],
  };
}

test("a batch has two global crops and the local crops of each image, crop by crop", () => {
  const maker = new BatchMaker(runConfig());
  const batch = maker.make(sample(0, 0, 1, 2, 3), 0, 0, true);
  assert.is(batch.images, 4);
  assert.equal(batch.globals.shape, [8, 3, 16, 16]);
  assert.equal(batch.locals!.shape, [8, 3, 8, 8]);
  assert.equal(batch.masked!.masks.shape, [8, 16]);
  const crops = [...batch.globals.toArray()];
  const swapped = maker.make(sample(0, 1, 0, 2, 3), 0, 0, true).globals.toArray();
  const size = 3 * 16 * 16;
  for (const crop of [0, 4]) {
    const first = crops.slice(crop * size, (crop + 1) * size);
    assert.equal([...swapped.subarray((crop + 1) * size, (crop + 2) * size)], first, "a crop belongs to its image");
  }
});

test("a batch is a function of seed, images, pass and iteration alone", () => {
  const config = runConfig();
  const [one, other] = [new BatchMaker(config), new BatchMaker(config)];
  other.make(sample(9, 5, 6, 7, 8), 77, 1, true); // what was made before plays no part
  assert.equal(contents(one, sample(1, 4, 2, 0, 7)), contents(other, sample(1, 4, 2, 0, 7)));
});

test("another seed, pass, iteration or micro-batch gives other draws, each where it should", () => {
  const images = sample(1, 4, 2, 0, 7);
  const base = contents(new BatchMaker(runConfig()), images);
  const differs = (other: typeof base) => ({
    crops: JSON.stringify(other.globals) !== JSON.stringify(base.globals),
    masks: JSON.stringify(other.masks) !== JSON.stringify(base.masks),
  });
  const maker = new BatchMaker(runConfig());
  const both = { crops: true, masks: true };
  assert.equal(differs(contents(new BatchMaker(runConfig("train.seed=5")), images)), both);
  assert.equal(differs(contents(maker, { ...images, pass: 2 })), { crops: true, masks: false });
  assert.equal(differs(contents(maker, images, { iteration: 4 })), { crops: false, masks: true });
  assert.equal(differs(contents(maker, images, { micro: 1 })), { crops: false, masks: true });
});

test("masks are as many as configured; their indices and weights belong to them", () => {
  const maker = new BatchMaker(runConfig("ibot.mask_sample_probability=0.5", "ibot.mask_ratio_min_max=[0.3, 0.5]"));
  for (let iteration = 0; iteration < 20; iteration++) {
    const { masks, indices, weights } = contents(maker, sample(0, 0, 1, 2, 3), { iteration });
    const counts = Array.from({ length: 8 }, (_, row) =>
      masks!.slice(16 * row, 16 * row + 16).reduce((sum, bit) => sum + bit, 0),
    );
    assert.is(counts.filter((count) => count > 0).length, 4);
    assert.equal(
      indices,
      masks!.flatMap((bit, i) => (bit ? [i] : [])),
    );
    indices!.forEach((index, i) => {
      assert.is(weights![i], Math.fround(1 / counts[Math.floor(index / 16)]));
    });
  }
});

test("without the patch loss, or when no patch is masked, there are no masks", () => {
  const maker = new BatchMaker(runConfig());
  assert.is(maker.make(sample(0, 0, 1, 2, 3), 0, 0, false).masked, null);
  const never = new BatchMaker(runConfig("ibot.mask_ratio_min_max=[0, 0.01]"));
  assert.is(never.make(sample(0, 0, 1, 2, 3), 0, 0, true).masked, null);
});

test("without local crops there are none", () => {
  const maker = new BatchMaker(runConfig("crops.local_crops_number=0"));
  assert.is(maker.make(sample(0, 0, 1, 2, 3), 0, 0, true).locals, null);
});

test("all memory goes back", () => {
  const before = memory().persistentBytes;
  const maker = new BatchMaker(runConfig());
  maker.make(sample(0, 0, 1, 2, 3), 0, 0, true);
  maker.dispose();
  assert.is(memory().persistentBytes, before);
});
