import * as assert from "uvu/assert";
import { applyAugmentation } from "../../src/data/augment.js";
import { ImageWorkspace } from "../../src/data/image-workspace.js";
import { MultiCrop, type MultiCropOptions } from "../../src/data/multi-crop.js";
import { init } from "../../src/runtime/context.js";
import { persistent } from "../../src/tensor/create.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";

await init();

const small: MultiCropOptions = { globalCropsSize: 16, localCropsSize: 8, localCropsNumber: 3, blurKernel: 3 };
const images = [noiseImage({ seed: 1 }), noiseImage({ seed: 2, width: 40, height: 24 })];
const key = { seed: 5, epoch: 2, samples: [11, 4] };

function cropsOf(options: MultiCropOptions, list = images, { seed, epoch, samples } = key) {
  const crops = new MultiCrop(options);
  const slots = crops.allocate(list.length);
  crops.write(list, { seed, epoch, samples }, slots);
  return { crops, slots };
}

test("crops lie crop-major: crop 0 of all images, then crop 1 of all images", () => {
  const { crops, slots } = cropsOf(small);
  const workspace = new ImageWorkspace(crops.options);
  for (const [position, image] of images.entries())
    for (let crop = 0; crop < 5; crop++) {
      const size = crop < 2 ? 16 : 8;
      const alone = persistent([3, size, size]);
      workspace.load(image);
      const sample = { seed: 5, epoch: 2, sample: key.samples[position] };
      applyAugmentation(workspace, crops.parameters(sample, crop, image), { height: size, width: size }, alone.ptr);
      const slot = crop < 2 ? slots.globals : slots.locals;
      const row = 2 * (crop < 2 ? crop : crop - 2) + position;
      assert.equal(slot.select(0, row).toArray(), alone.toArray(), `image ${position}, crop ${crop}`);
    }
});

test("an image's crops do not depend on the batch around it", () => {
  const alone = cropsOf(small, [images[1]], { ...key, samples: [4] }).slots;
  const { slots } = cropsOf(small);
  assert.equal(slots.globals.select(0, 3).toArray(), alone.globals.select(0, 1).toArray());
  assert.equal(slots.locals.select(0, 5).toArray(), alone.locals.select(0, 2).toArray());
});

test("the same key gives the same bits, another epoch others", () => {
  const once = cropsOf(small).slots.globals.toArray();
  assert.equal(cropsOf(small).slots.globals.toArray(), once);
  assert.not.equal(cropsOf(small, images, { ...key, epoch: 3 }).slots.globals.toArray(), once);
});

test("blur and solarise take effect with the official probabilities of each crop", () => {
  const crops = new MultiCrop();
  const n = 2000;
  const share = (crop: number, has: "blur" | "solarize") => {
    const hits = Array.from(
      { length: n },
      (_, sample) => crops.parameters({ seed: 0, epoch: 0, sample }, crop, images[0])[has],
    );
    return hits.filter(Boolean).length / n;
  };
  const near = (actual: number, p: number, what: string) =>
    assert.ok(Math.abs(actual - p) < 0.045, `${what}: ${actual}`);
  assert.is(share(0, "blur"), 0);
  near(share(1, "blur"), 0.9, "blur of the second global crop");
  for (const crop of [2, 9]) near(share(crop, "blur"), 0.5, `blur of crop ${crop}`);
  assert.is(share(0, "solarize"), 0);
  near(share(1, "solarize"), 0.2, "solarise of the second global crop");
  assert.is(share(2, "solarize"), 0);
});

test("local windows are smaller than global ones", () => {
  const crops = new MultiCrop();
  for (let sample = 0; sample < 50; sample++) {
    const area = (crop: number) => {
      const { window } = crops.parameters({ seed: 1, epoch: 0, sample }, crop, { height: 100, width: 100 });
      return window.height * window.width;
    };
    assert.ok(area(0) > 3000 && area(1) > 3000 && area(2) < 3400 && area(9) < 3400);
  }
});

test("grey images are cropped and normalised in one channel", () => {
  const grey: MultiCropOptions = { ...small, channels: 1, mean: [0.13], std: [0.31], rotationDegrees: 20 };
  const { slots } = cropsOf(grey, [noiseImage({ channels: 1 })], { ...key, samples: [0] });
  assert.equal(slots.globals.shape, [2, 1, 16, 16]);
  const values = Array.from(slots.globals.toArray());
  assert.ok(values.every((value) => value >= -0.13 / 0.31 - 1e-6 && value <= 0.87 / 0.31 + 1e-6));
});

test("a recipe without local crops writes the globals only", () => {
  const { slots } = cropsOf({ ...small, localCropsNumber: 0 });
  assert.is(slots.locals.numel, 0);
  assert.ok(Array.from(slots.globals.toArray()).every(Number.isFinite));
});

test("slots of another batch size are refused", () => {
  const crops = new MultiCrop(small);
  assert.throws(
    () => crops.write(images, key, crops.allocate(3)),
    /multi-crop: globals is \[6, 3, 16, 16\] f32, expected a dense f32 \[4, 3, 16, 16\] for 2 images/,
  );
});

test("an image of other channels is refused with the way out", () => {
  assert.throws(
    () => cropsOf(small, [noiseImage({ channels: 1 })]),
    /1 channels, expected 3. Convert it with toChannels/,
  );
});

for (const [given, message] of [
  [{ globalCropsSize: 0 }, /globalCropsSize is 0; expected a positive whole number/],
  [{ localCropsScale: [0.4, 0.2] }, /localCropsScale is \[0.4,0.2\]; expected an ascending range/],
  [{ flipProbability: 1.2 }, /flipProbability is 1.2; expected a probability/],
  [{ blurKernel: 4 }, /blurKernel is 4; expected a positive odd number/],
  [{ localCropsSize: 4, blurKernel: 9 }, /a blur of 9 pixels does not fit crops of 4/],
  [{ jitter: [0, 0, 0, 0.7] }, /expected a hue strength of at most 0.5/],
  [{ channels: 1 }, /images have 1 channels, but mean is \[0.485,0.456,0.406\]/],
  [{ channels: 2, mean: [0, 0], std: [1, 1] }, /defined for 1 or 3 channels, not 2/],
] as const) {
  test(`crops refuse ${JSON.stringify(given)}`, () => {
    assert.throws(() => new MultiCrop({ ...small, ...given }), message);
  });
}
