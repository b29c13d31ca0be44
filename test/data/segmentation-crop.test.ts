import * as assert from "uvu/assert";
import { SegmentationCrop, type SegmentationCropOptions } from "../../src/data/segmentation-crop.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { discImage } from "../support/mask-folder.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const crops = (options: Partial<SegmentationCropOptions> = {}) =>
  new SegmentationCrop({ size: 32, crop: 32, channels: 3, mean: [0, 0, 0], std: [1, 1, 1], ...options });

const disc = (index: number) => {
  const { image, mask } = discImage(index);
  return { image, labels: mask };
};

/** Crops of the first images with their labels. */
function cut(cropping: SegmentationCrop, count: number, seed = 1) {
  const target = cropping.allocate(count);
  const indices = Array.from({ length: count }, (_, i) => i);
  cropping.write(
    indices.map(disc),
    indices.map((i) => new Rng(seed, i)),
    target,
  );
  return { images: target.images.toArray(), labels: target.labels };
}

test("labels follow their pixels through resize, cut and mirror: bright ones are foreground", () => {
  const { images, labels } = cut(crops({ distortion: false }), 12);
  const pixels = 32 * 32;
  let [right, counted] = [0, 0];
  labels.forEach((label, at) => {
    if (label === 255) return;
    const image = Math.floor(at / pixels);
    const green = images[(3 * image + 1) * pixels + (at % pixels)];
    counted++;
    if (green > 0.45 === (label === 1)) right++;
  });
  assert.ok(right / counted > 0.96, `${right} of ${counted}`); // borders are blurred by the resize
});

test("a crop is a function of its stream, and other streams give others", () => {
  const [one, same, other] = [cut(crops(), 3), cut(crops(), 3), cut(crops(), 3, 2)];
  assert.equal(one.images, same.images);
  assert.equal(one.labels, same.labels);
  assert.not.equal(one.images, other.images);
});

test("with a ratio of one, the whole size and no mirror an image stays as it is, but for its colours", () => {
  const plain = { ratio: [1, 1], flipProbability: 0 } as const;
  const { image, labels } = disc(0);
  const still = cut(crops({ ...plain, distortion: false }), 1);
  assert.equal([...still.labels], [...labels]);
  const pixels = image.data.length / 3;
  still.images.forEach((value, i) => {
    const [channel, at] = [Math.floor(i / pixels), i % pixels];
    assert.is(Math.round(255 * value), image.data[3 * at + channel]);
  });
  const distorted = cut(crops(plain), 4);
  assert.equal([...distorted.labels.subarray(0, labels.length)], [...labels]);
  assert.not.equal(distorted.images.slice(0, 100), still.images.slice(0, 100));
});

test("an image that is smaller than the crop is filled up with labels that do not count", () => {
  const { labels } = cut(crops({ size: 16, ratio: [1, 1], distortion: false }), 1);
  const inside = labels.filter((_, i) => i % 32 < 16 && i < 16 * 32);
  assert.ok(inside.every((label) => label !== 255));
  assert.is(labels.filter((label) => label === 255).length, 32 * 32 - 16 * 16);
});

test("a crop of nearly one class is drawn again", () => {
  // Foreground is a corner of 12 × 12 pixels, which most windows of 8 × 8 miss or show alone.
  const labels = Uint8Array.from({ length: 1024 }, (_, i) => (i % 32 < 12 && i < 12 * 32 ? 1 : 0));
  const image = { width: 32, height: 32, channels: 3, data: new Uint8Array(3072) };
  const cropping = crops({ crop: 8, ratio: [1, 1], distortion: false });
  const target = cropping.allocate(40);
  cropping.write(
    new Array(40).fill({ image, labels }),
    Array.from({ length: 40 }, (_, i) => new Rng(i)),
    target,
  );
  const mixed = Array.from({ length: 40 }, (_, i) => {
    const ones = target.labels.subarray(64 * i, 64 * (i + 1)).reduce((sum, label) => sum + label, 0);
    return ones > 16 && ones < 48;
  }).filter(Boolean).length;
  // Of the 25 × 25 windows 48 are mixed enough: one try finds one in 8 of 100 cases, ten in 55.
  assert.ok(mixed > 12 && mixed < 32, `${mixed} of 40`);
});

test("sizes, ranges and targets that do not fit are refused", () => {
  refuses(() => crops({ crop: 0 }), ConfigError, "size 32 and crop 0, expected positive whole numbers");
  refuses(() => crops({ ratio: [2, 1] }), ConfigError, "the ratio is drawn from 2 to 1, which is no range");
  const cropping = crops();
  refuses(
    () => cropping.write([disc(0)], [new Rng(1)], cropping.allocate(2)),
    ShapeError,
    "target is [2, 3, 32, 32], expected [1, 3, 32, 32]",
  );
});
