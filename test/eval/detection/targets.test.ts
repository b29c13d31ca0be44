import * as assert from "uvu/assert";
import { assignPoints } from "../../../src/eval/detection/assign.js";
import { pyramidPoints, rowOf } from "../../../src/eval/detection/points.js";
import { detectionTargets } from "../../../src/eval/detection/targets.js";
import { test } from "../../support/test.js";

const points = pyramidPoints([
  { stride: 4, height: 8, width: 8 },
  { stride: 8, height: 4, width: 4 },
]);

test("edges are measured from the point in its strides, and centreness falls towards them", () => {
  const one = pyramidPoints([{ stride: 8, height: 1, width: 1 }]);
  const { classes, positives, edges, centreness } = detectionTargets(one, [
    { boxes: [[2, 0, 12, 6]], labels: [5], leftOut: [] },
  ]);
  // The point is (4, 4): 2 to the left edge, 4 up, 8 right, 2 down.
  assert.equal([...classes], [5]);
  assert.equal([...positives], [0]);
  assert.equal([...edges], [-0.25, -0.5, 1, 0.25]);
  assert.ok(Math.abs(centreness[0] - Math.sqrt((2 / 8) * (2 / 4))) < 1e-12);
});

test("every image's points stand in its own rows", () => {
  const scenes = [
    { boxes: [[0, 0, 32, 32]] as const, labels: [1], leftOut: [] },
    { boxes: [], labels: [], leftOut: [[0, 0, 32, 16]] as const },
    { boxes: [[2, 2, 30, 28]] as const, labels: [0], leftOut: [] },
  ];
  const { classes, positives } = detectionTargets(points, scenes);
  scenes.forEach(({ boxes, labels, leftOut }, image) => {
    assignPoints(points, boxes, leftOut).forEach((object, point) => {
      const row = rowOf(points, point, image, scenes.length);
      assert.is(classes[row], object < 0 ? object : labels[object]);
      assert.is(positives.includes(row), object >= 0);
    });
  });
  assert.ok(positives.length > 1);
});
