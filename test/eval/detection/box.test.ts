import * as assert from "uvu/assert";
import { areaOf, clipped, holds, intersectionOf, iouOf } from "../../../src/eval/detection/box.js";
import { test } from "../../support/test.js";

test("areas, intersections and IoU by hand", () => {
  assert.is(areaOf([1, 2, 4, 4]), 6);
  assert.is(areaOf([4, 2, 1, 4]), 0);
  assert.is(intersectionOf([0, 0, 2, 2], [1, 1, 3, 3]), 1);
  assert.is(intersectionOf([0, 0, 1, 1], [1, 0, 2, 1]), 0);
  assert.is(iouOf([0, 0, 2, 2], [1, 1, 3, 3]), 1 / 7);
  assert.is(iouOf([0, 0, 2, 2], [0, 0, 2, 2]), 1);
  assert.is(iouOf([1, 1, 1, 1], [1, 1, 1, 1]), 0);
});

test("a box is cut at the image's edges", () => {
  assert.equal(clipped([-1, 2, 9, 12], 8, 10), [0, 2, 8, 10]);
  assert.equal(clipped([9, 11, 12, 13], 8, 10), [8, 10, 8, 10]);
});

test("a point on an edge is not inside", () => {
  assert.ok(holds([0, 0, 2, 2], 1, 1));
  assert.not.ok(holds([0, 0, 2, 2], 0, 1));
  assert.not.ok(holds([0, 0, 2, 2], 1, 2));
});
