import * as assert from "uvu/assert";
import { assignPoints } from "../../../src/eval/detection/assign.js";
import { pyramidPoints } from "../../../src/eval/detection/points.js";
import { test } from "../../support/test.js";

const points = pyramidPoints([
  { stride: 4, height: 16, width: 16 },
  { stride: 8, height: 8, width: 8 },
  { stride: 16, height: 4, width: 4 },
]);

const takenBy = (assigned: Int32Array, object: number) =>
  [...assigned.keys()].filter((point) => assigned[point] === object);

test("an object goes to the level whose squares are of its size, to points inside it", () => {
  for (const [level, side] of [
    [0, 32],
    [1, 62],
  ]) {
    const low = 32 - side / 2;
    const taken = takenBy(assignPoints(points, [[low, low, low + side, low + side]]), 0);
    assert.ok(taken.length >= 1 && taken.length <= 9, `${taken.length} points`);
    for (const point of taken) {
      assert.ok(
        point >= points.starts[level] && point < points.starts[level + 1],
        `point ${point} for a side of ${side}`,
      );
      assert.ok(Math.abs(points.x[point] - 32) < side / 2 && Math.abs(points.y[point] - 32) < side / 2);
    }
  }
});

test("the threshold by hand: of one level with nine points, those from mean plus deviation on", () => {
  // Nine squares of side 64 around (4…20)²; the object is the square of the middle point.
  const one = pyramidPoints([{ stride: 8, height: 3, width: 3 }]);
  const box = [12 - 32, 12 - 32, 12 + 32, 12 + 32] as const;
  // Moved by 8 along one axis the IoU is 56/72, along both 56²/(2·64² − 56²). The middle alone passes.
  const overlaps = [1, ...Array(4).fill(56 / 72), ...Array(4).fill(56 ** 2 / (2 * 64 ** 2 - 56 ** 2))];
  const mean = overlaps.reduce((sum, value) => sum + value, 0) / 9;
  const deviation = Math.sqrt(overlaps.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8);
  assert.ok(56 / 72 < mean + deviation && 1 > mean + deviation);
  assert.equal([...assignPoints(one, [box])], [-1, -1, -1, -1, 0, -1, -1, -1, -1]);
});

test("a point that two objects take goes to the greater overlap, whichever comes first", () => {
  const exact = [16, 16, 48, 48] as const;
  const loose = [14, 14, 54, 54] as const;
  const [a, b] = [assignPoints(points, [exact, loose]), assignPoints(points, [loose, exact])];
  assert.equal(takenBy(a, 0), takenBy(b, 1));
  assert.equal(takenBy(a, 1), takenBy(b, 0));
  assert.ok(takenBy(a, 0).length > 0);
});

test("points in a region that is left out do not count unless an object takes them", () => {
  const object = [16, 16, 48, 48] as const;
  const alone = assignPoints(points, [object]);
  const assigned = assignPoints(points, [object], [[0, 0, 64, 30]]);
  for (const point of points.x.keys()) {
    const expected = alone[point] === 0 ? 0 : points.y[point] < 30 ? -2 : -1;
    assert.is(assigned[point], expected, `point ${point}`);
  }
});

test("without objects, and for one without area, no point is taken", () => {
  assert.ok(assignPoints(points, []).every((object) => object === -1));
  assert.ok(assignPoints(points, [[5, 5, 5, 9]]).every((object) => object === -1));
});
