import * as assert from "uvu/assert";
import { imageArray } from "../../src/data/image-array.js";
import { DataError } from "../../src/errors.js";
import { rawPixels } from "../../src/eval/raw-pixels.js";
import { init } from "../../src/runtime/context.js";
import { squareImage, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

test("a feature is the pixels of an image, scaled to length 1", async () => {
  const { features, labels } = await rawPixels(squareSource(4));
  assert.equal(features.shape, [4, 16 * 16 * 3]);
  assert.equal([...labels], [0, 1, 0, 1]);
  const { data } = squareImage(2);
  const length = Math.hypot(...data);
  const row = features.select(0, 2).toArray();
  for (const [i, value] of data.entries()) assert.ok(Math.abs(row[i] - value / length) < 1e-6);
});

test("without labels every label is 0", async () => {
  assert.equal([...(await rawPixels(imageArray([squareImage(0), squareImage(1)]))).labels], [0, 0]);
});

test("images of different sizes are refused by name", async () => {
  const source = imageArray([squareImage(0), squareImage(1, { side: 12 })]);
  await rawPixels(source).then(
    () => assert.unreachable(),
    (error: unknown) => {
      assert.instance(error, DataError);
      assert.match((error as Error).message, /image 1 has another size than image 0/);
    },
  );
});
