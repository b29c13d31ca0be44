import * as assert from "uvu/assert";
import { CropAndFlip } from "../../src/data/crop-and-flip.js";
import { EvalTransform } from "../../src/data/eval-transform.js";
import { ConfigError, DataError, ShapeError } from "../../src/errors.js";
import { init, memory } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const contract = { channels: 3, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
const image = noiseImage({ width: 20, height: 14 });

/** Crops of a batch, copied out. */
function cropsOf(images: (typeof image)[], key: Parameters<CropAndFlip["write"]>[1], options = {}): Float32Array {
  const crops = new CropAndFlip({ size: 8, ...contract, ...options });
  const slot = crops.allocate(images.length);
  crops.write(images, key, slot);
  const values = slot.toArray() as Float32Array;
  slot.dispose();
  crops.dispose();
  return values;
}

test("a crop of the whole image without a flip is the image resized; with a flip, mirrored", () => {
  const square = noiseImage({ width: 14, height: 14 });
  const whole = { scale: [1, 1] as const, size: 8 };
  const transform = new EvalTransform({ ...contract, geometry: { kind: "stretch", size: 8 } });
  const target = transform.allocate(1);
  transform.write([square], target);
  const expected = target.toArray();
  // A window of another aspect does not fit, so all ten attempts fail unless the aspect is near 1: look for such a draw.
  const crops = new CropAndFlip({ ...contract, ...whole });
  const pass = Array.from({ length: 200 }, (_, i) => i).find((p) => {
    const { window } = crops.parameters(square, { seed: 0, pass: p, sample: 0 });
    return window.width === 14 && window.height === 14;
  })!;
  const key = { seed: 0, pass, samples: [0] };
  assert.equal([...cropsOf([square], key, { ...whole, flipProbability: 0 })], [...expected]);
  const mirrored = cropsOf([square], key, { ...whole, flipProbability: 1 });
  assert.equal(
    [...mirrored],
    Array.from(expected, (_, i) => expected[8 * Math.floor(i / 8) + 7 - (i % 8)]),
  );
});

test("windows cover 8 to 100 % of the image with aspects from 3/4 to 4/3; half of them are mirrored", () => {
  const crops = new CropAndFlip({ size: 8, ...contract });
  const size = { width: 640, height: 480 };
  const drawn = Array.from({ length: 2000 }, (_, sample) => crops.parameters(size, { seed: 1, pass: 0, sample }));
  const areas = drawn.map(({ window }) => (window.width * window.height) / (640 * 480));
  assert.ok(Math.min(...areas) >= 0.079 && Math.min(...areas) < 0.1 && Math.max(...areas) > 0.9);
  for (const { window } of drawn) {
    const aspect = window.width / window.height;
    assert.ok(aspect > 0.745 && aspect < 1.34, `${aspect}`);
    assert.ok(window.left >= 0 && window.left + window.width <= 640 && window.top + window.height <= 480);
  }
  const flips = drawn.filter(({ flip }) => flip).length;
  assert.ok(flips > 900 && flips < 1100, `${flips} of 2000 mirrored`);
  for (const { rotation, jitter, grayscale, blur, solarize } of drawn)
    assert.equal({ rotation, jitter, grayscale, blur, solarize }, NOTHING);
});

const NOTHING = { rotation: 0, jitter: [], grayscale: false, blur: null, solarize: false };

test("a crop depends on seed, pass and the number of its image, not on its place in the batch", () => {
  const both = cropsOf([image, image], { seed: 3, pass: 5, samples: [4, 9] });
  const alone = cropsOf([image], { seed: 3, pass: 5, samples: [9] });
  assert.equal([...both.subarray(both.length / 2)], [...alone]);
  for (const key of [
    { seed: 4, pass: 5, samples: [9] },
    { seed: 3, pass: 6, samples: [9] },
    { seed: 3, pass: 5, samples: [8] },
  ])
    assert.not.equal([...cropsOf([image], key)], [...alone]);
});

test("slots and images that do not fit are refused", () => {
  const crops = new CropAndFlip({ size: 8, ...contract });
  const slot = crops.allocate(2);
  const key = { seed: 0, pass: 0, samples: [0] };
  refuses(() => crops.write([image], key, slot), ShapeError, "expected a dense f32 [1, 3, 8, 8]");
  const grey = { ...image, channels: 1, data: image.data.filter((_, i) => i % 3 === 0) };
  refuses(() => crops.write([grey], key, slot.narrow(0, 0, 1)), DataError, "1 channels, expected 3");
  refuses(() => new CropAndFlip({ size: 8, ...contract, std: [1, 1] }), ConfigError, "mean is");
});

test("working memory is given back", () => {
  cropsOf([image], { seed: 0, pass: 0, samples: [0] });
  const before = memory().persistentBytes;
  cropsOf([image], { seed: 0, pass: 0, samples: [0] });
  assert.is(memory().persistentBytes, before);
});
