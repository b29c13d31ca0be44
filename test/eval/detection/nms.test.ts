import * as assert from "uvu/assert";
import { byScore, suppressOverlaps } from "../../../src/eval/detection/nms.js";
import { test } from "../../support/test.js";

const detection = (left: number, score: number, label = 0) => ({
  ...{ box: [left, 0, left + 10, 10] as const, label },
  score,
});

test("of overlapping detections of a class the best remains; other classes do not matter", () => {
  const [a, b, c, d] = [detection(0, 0.5), detection(2, 0.9), detection(2, 0.7, 1), detection(20, 0.1)];
  assert.equal(suppressOverlaps([a, b, c, d], { threshold: 0.5, limit: 9 }), [b, c, d]); // IoU of a and b is 8/12
  assert.equal(suppressOverlaps([a, b, c, d], { threshold: 0.67, limit: 9 }), [b, c, a, d]);
});

test("what was suppressed suppresses nothing", () => {
  const [a, b, c] = [detection(0, 0.9), detection(4, 0.8), detection(8, 0.7)]; // IoU of neighbours 6/14, of the ends 2/18
  assert.equal(suppressOverlaps([a, b, c], { threshold: 0.4, limit: 9 }), [a, c]);
});

test("an overlap of exactly the threshold is tolerated", () => {
  const [a, b] = [detection(0, 0.9), detection(5, 0.8)]; // 5/15
  assert.equal(suppressOverlaps([a, b], { threshold: 1 / 3, limit: 9 }), [a, b]);
});

test("the limit keeps the best, equal scores keep their order", () => {
  const all = [detection(0, 0.3), detection(20, 0.5), detection(40, 0.5), detection(60, 0.1)];
  assert.equal(suppressOverlaps(all, { threshold: 0.5, limit: 2 }), [all[1], all[2]]);
  assert.equal(byScore(all), [all[1], all[2], all[0], all[3]]);
  assert.equal(suppressOverlaps([], { threshold: 0.5, limit: 2 }), []);
});
