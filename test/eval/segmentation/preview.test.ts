import * as assert from "uvu/assert";
import { classColor, segmentationPreview } from "../../../src/eval/segmentation/preview.js";
import { test } from "../../support/test.js";

test("colours of classes are those of PASCAL VOC", () => {
  const colors = [0, 1, 2, 3, 4, 8, 20].map(classColor);
  assert.equal(colors, [
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [128, 128, 0],
    [0, 0, 128],
    [64, 0, 0],
    [0, 64, 128],
  ]);
});

test("each image stands beside itself with true and with predicted classes laid over it", () => {
  const image = { width: 2, height: 1, channels: 1, data: Uint8Array.of(100, 200) };
  const small = { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) };
  const picture = segmentationPreview([
    { image, labels: Uint8Array.of(1, 255), predicted: Uint8Array.of(0, 2), index: 0 },
    { image: small, labels: Uint8Array.of(0), predicted: Uint8Array.of(0), index: 5 },
  ]);
  assert.equal([picture.width, picture.height, picture.channels], [14, 6, 3]);
  const pixel = (row: number, column: number) => [
    ...picture.data.slice(3 * (14 * row + column), 3 * (14 * row + column) + 3),
  ];
  assert.equal(
    [pixel(0, 0), pixel(0, 1)],
    [
      [100, 100, 100],
      [200, 200, 200],
    ],
  );
  assert.equal(
    [pixel(0, 6), pixel(0, 7)],
    [
      [114, 50, 50],
      [200, 200, 200],
    ],
  );
  assert.equal(
    [pixel(0, 12), pixel(0, 13)],
    [
      [100, 100, 100],
      [100, 164, 100],
    ],
  );
  assert.equal([pixel(0, 2), pixel(3, 0), pixel(5, 1)], new Array(3).fill([255, 255, 255]));
  assert.equal([pixel(5, 0), pixel(5, 6), pixel(5, 12)], new Array(3).fill([1, 2, 3]));
});
