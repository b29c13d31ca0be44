import * as assert from "uvu/assert";
import type { ImageSource } from "../../../src/data/dataset.js";
import { withLabels } from "../../../src/data/labelled-image.js";
import { DataError } from "../../../src/errors.js";
import { ImageSegmentation, segmentImages } from "../../../src/eval/segmentation/segment-images.js";
import { buildSegmenter, type Segmenter } from "../../../src/eval/segmentation/segmenter.js";
import { init } from "../../../src/runtime/context.js";
import { tinyResnet } from "../../support/disc-task.js";
import { noiseImage } from "../../support/image-bytes.js";
import { test } from "../../support/test.js";

/** A segmenter whose logits are 0 and a number drawn from the pixels of each cell. */
function cellSegmenter(): Segmenter {
  return buildSegmenter(tinyResnet(), { kind: "linear", classes: 2, channels: 0 }, 3);
}

test("an image that fills one window is segmented as a whole", async () => {
  await init();
  const segmenter = cellSegmenter();
  const segmentation = new ImageSegmentation(segmenter, { size: 32, crop: 32 });
  const once = segmentation.segment(noiseImage({ seed: 1 }));
  assert.is(once.length, 32 * 32);
  assert.equal(once, segmentation.segment(noiseImage({ seed: 1 })));
  assert.not.equal(once, segmentation.segment(noiseImage({ seed: 2 })));
});

test("classes come at the size of the image, whatever size it is brought to", async () => {
  await init();
  const segmentation = new ImageSegmentation(cellSegmenter(), { size: 24, crop: 16 });
  const long = noiseImage({ width: 50, height: 20, seed: 3 });
  assert.is(segmentation.segment(long).length, 1000);
  const small = noiseImage({ width: 5, height: 9, seed: 4 });
  assert.is(segmentation.segment(small).length, 45);
});

test("a bias decides where all else is equal, in every window", async () => {
  await init();
  const segmenter = cellSegmenter();
  for (const [name, x] of segmenter.head.namedParameters())
    x.write(name.endsWith("bias") ? [0, 1] : new Float32Array(x.numel));
  const segmentation = new ImageSegmentation(segmenter, { size: 40, crop: 16 });
  assert.ok(segmentation.segment(noiseImage({ width: 70, height: 40 })).every((label) => label === 1));
});

test("broken images are left out with a warning, or end it where that is wanted", async () => {
  await init();
  const good = withLabels({ image: noiseImage(), labels: new Uint8Array(1024) });
  const source: ImageSource = {
    ...{ name: "three", length: 3, labels: null, classes: [] },
    read: (index) => {
      if (index === 1) throw new DataError("image 1: broken.");
      return good;
    },
    path: (index) => `image ${index}`,
    fingerprint: () => "three",
  };
  const warnings: string[] = [];
  const indices: number[] = [];
  const options = { size: 32, crop: 32, onWarning: (message: string) => warnings.push(message) };
  for await (const { index } of segmentImages(cellSegmenter(), source, options)) indices.push(index);
  assert.equal(indices, [0, 2]);
  assert.equal(warnings, ["image 1: broken. Left out."]);
  try {
    for await (const _ of segmentImages(cellSegmenter(), source, { ...options, strict: true }));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
  }
});
