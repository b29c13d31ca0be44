import * as assert from "uvu/assert";
import { ShapeError } from "../../../src/errors.js";
import {
  classIou,
  countPixels,
  meanOfDefined,
  segmentationScores,
  sumCounts,
} from "../../../src/eval/segmentation/pixel-counts.js";
import { close } from "../../support/close.js";
import { refuses } from "../../support/refuses.js";
import { test } from "../../support/test.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("pixels are counted by true and predicted class, those without a label not at all", () => {
  const confusion = new Float64Array(9);
  const counts = countPixels(bytes(0, 0, 1, 1, 2, 255), bytes(0, 1, 1, 0, 1, 2), confusion);
  assert.equal([...confusion], [1, 1, 0, 1, 1, 0, 0, 1, 0]);
  assert.equal([...counts.labelled], [2, 2, 1]);
  assert.equal([...counts.predicted], [2, 3, 0]);
  assert.equal([...counts.right], [1, 1, 0]);
  countPixels(bytes(2), bytes(2), confusion);
  assert.is(confusion[8], 1, "the confusion of several images adds up");
});

test("the IoU of a class is what both name over what either names, and undefined where neither does", () => {
  const counts = countPixels(bytes(0, 0, 0, 1, 1), bytes(0, 0, 1, 1, 0), new Float64Array(9));
  const iou = classIou(counts);
  close(iou.slice(0, 2), [2 / 4, 1 / 3], 1e-15);
  assert.ok(Number.isNaN(iou[2]));
  close([meanOfDefined(iou)], [(2 / 4 + 1 / 3) / 2], 1e-15);
});

test("scores are over all pixels of all images, the foreground's also image by image", () => {
  // Foreground: 1 of 2 in the first image, 3 of 3 in the second; over both 4 of 5. Background 2 of 3, 1 of 1, 3 of 4.
  const images = [
    countPixels(bytes(0, 0, 1, 1), bytes(0, 0, 1, 0), new Float64Array(4)),
    countPixels(bytes(0, 1, 1, 1), bytes(0, 1, 1, 1), new Float64Array(4)),
  ];
  const { meanIou, iou, pixelAccuracy, foreground } = segmentationScores(images);
  close([...iou, meanIou, pixelAccuracy], [3 / 4, 4 / 5, (3 / 4 + 4 / 5) / 2, 7 / 8], 1e-15);
  close([foreground!.iou, foreground!.imageIou], [4 / 5, 3 / 4], 1e-15);
});

test("intervals come from images drawn anew, so equal images leave none", () => {
  const image = countPixels(bytes(0, 0, 1, 1), bytes(0, 0, 1, 0), new Float64Array(4));
  const { interval, meanIou, foreground } = segmentationScores([image, image, image]);
  close([interval.low, interval.high], [meanIou, meanIou], 1e-12);
  close([foreground!.interval.low, foreground!.interval.high], [1 / 2, 1 / 2], 1e-12);
  const other = countPixels(bytes(1, 1, 1, 1), bytes(1, 1, 1, 1), new Float64Array(4));
  const wide = segmentationScores([image, other, image, other]).foreground!;
  assert.ok(wide.interval.low < wide.imageIou && wide.imageIou < wide.interval.high);
  assert.equal(segmentationScores([image, other], { seed: 3 }), segmentationScores([image, other], { seed: 3 }));
});

test("an image without foreground, true or predicted, has no part in the mean over images", () => {
  const none = countPixels(bytes(0, 0), bytes(0, 0), new Float64Array(4));
  const half = countPixels(bytes(1, 1), bytes(1, 0), new Float64Array(4));
  assert.is(segmentationScores([none, half]).foreground?.imageIou, 0.5);
});

test("more than two classes have no foreground, and a sum may name an image twice", () => {
  const counts = countPixels(bytes(0, 1, 2), bytes(0, 1, 2), new Float64Array(9));
  assert.is(segmentationScores([counts]).foreground, null);
  assert.equal([...sumCounts([counts], [0, 0]).right], [2, 2, 2]);
  refuses(() => countPixels(bytes(0), bytes(0, 1), new Float64Array(4)), ShapeError, "1 labels and 2 predictions");
});
