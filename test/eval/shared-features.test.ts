import * as assert from "uvu/assert";
import { imageArray } from "../../src/data/image-array.js";
import { DataError, NumericError } from "../../src/errors.js";
import { extractFeatures } from "../../src/eval/features.js";
import { sharedFeatures } from "../../src/eval/shared-features.js";
import { sliceEncoder } from "../../src/models/encoder.js";
import { init, memory } from "../../src/runtime/context.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const full = tinyEncoder();
const encoders = [sliceEncoder(full, { width: 8, depth: 1 }), full];

test("each network has the features that it has alone, to the bit, and every image is read once", async () => {
  const images = squareSource(70);
  const reads: number[] = [];
  const read = (index: number) => {
    reads.push(index);
    return images.read(index);
  };
  const { persistentBytes } = memory();
  const { features, labels } = await sharedFeatures({ ...images, read }, encoders);
  assert.is(memory().persistentBytes, persistentBytes);
  assert.equal(
    reads.sort((a, b) => a - b),
    [...Array(70).keys()],
  );
  for (const [i, encoder] of encoders.entries()) {
    const alone = await extractFeatures(images, encoder);
    assert.equal(features[i], alone.features.toArray() as Float32Array);
    assert.equal(labels, alone.labels);
    alone.features.dispose();
  }
});

test("an image that cannot be read is left out everywhere, with its label", async () => {
  const good = imageArray(
    Array.from({ length: 6 }, (_, i) => squareImage(i)),
    { labels: [0, 1, 2, 3, 4, 5] },
  );
  const read = (index: number) => {
    if (index === 2) throw new DataError("image 2: is broken.");
    return good.read(index);
  };
  const warnings: string[] = [];
  const { features, labels } = await sharedFeatures({ ...good, read }, encoders, {
    onWarning: (message) => warnings.push(message),
  });
  assert.equal([...labels], [0, 1, 3, 4, 5]);
  assert.equal(
    features.map(({ length }) => length),
    [5 * 8, 5 * 16],
  );
  assert.is(warnings.length, 1);
});

test("a feature that is not finite is an error that names network and image, and leaves no memory behind", async () => {
  const broken = tinyEncoder();
  broken.backbone.norm.bias.write(new Float32Array(16).fill(Number.NaN));
  const { persistentBytes } = memory();
  await sharedFeatures(squareSource(3), [full, broken]).then(
    () => assert.unreachable(),
    (error: unknown) => {
      assert.instance(error, NumericError);
      assert.match((error as Error).message, /is not finite\. Are the weights of 16x2 sound\?/);
    },
  );
  assert.is(memory().persistentBytes, persistentBytes);
});
