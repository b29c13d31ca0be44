import * as assert from "uvu/assert";
import { pyramidPoints, rowOf } from "../../../src/eval/detection/points.js";
import { test } from "../../support/test.js";

const points = pyramidPoints([
  { stride: 8, height: 2, width: 3 },
  { stride: 16, height: 1, width: 2 },
]);

test("points are the middles of cells, level by level and row by row", () => {
  assert.equal([...points.x], [4, 12, 20, 4, 12, 20, 8, 24]);
  assert.equal([...points.y], [4, 4, 4, 12, 12, 12, 8, 8]);
  assert.equal([...points.stride], [8, 8, 8, 8, 8, 8, 16, 16]);
  assert.equal(points.starts, [0, 6, 8]);
});

test("rows of a batch come level by level and within a level image by image, each once", () => {
  assert.equal(
    [0, 5, 6, 7].map((point) => rowOf(points, point, 0, 2)),
    [0, 5, 12, 13],
  );
  assert.equal(
    [0, 5, 6, 7].map((point) => rowOf(points, point, 1, 2)),
    [6, 11, 14, 15],
  );
  const all = [0, 1, 2].flatMap((image) => [...points.x.keys()].map((point) => rowOf(points, point, image, 3)));
  assert.equal(
    all.sort((a, b) => a - b),
    Array.from({ length: 24 }, (_, i) => i),
  );
});
