import * as assert from "uvu/assert";
import type { Box, DetectionObject } from "../../../src/data/detection.js";
import { areaOf } from "../../../src/eval/detection/box.js";
import { cocoMatches, NEUTRAL, RIGHT, vocMatches, WRONG } from "../../../src/eval/detection/match.js";
import { test } from "../../support/test.js";

const object = (box: Box, changes: Partial<DetectionObject> = {}): DetectionObject => ({
  ...{ box, label: 0, area: areaOf(box), crowd: false, difficult: false },
  ...changes,
});

const found = (box: Box, score: number, label = 0) => ({ box, label, score });

/** Outcomes at one threshold. */
function coco(objects: DetectionObject[], detections: ReturnType<typeof found>[], threshold = 0.5, options = {}) {
  const { outcomes, objects: counts } = cocoMatches([{ objects, detections }], 0, {
    thresholds: [threshold],
    ...options,
  });
  return { outcomes: [...outcomes[0]], objects: counts[0] };
}

const square = object([0, 0, 10, 10]);

test("a second detection of an object is wrong, the better one right", () => {
  const { outcomes } = coco([square], [found([0, 0, 10, 9], 0.4), found([0, 0, 10, 6], 0.8)]);
  assert.equal(outcomes, [RIGHT, WRONG]); // in falling order: the one of IoU 0.6 first
});

test("a detection whose best object is taken may take another, unlike in VOC", () => {
  const near = object([0, 0, 10, 12]);
  const detections = [found([0, 0, 10, 10], 0.9), found([0, 0, 10, 10], 0.8)];
  assert.equal(coco([square, near], detections).outcomes, [RIGHT, RIGHT]); // IoU 1 and 10/12
  const voc = vocMatches([{ objects: [square, near], detections }], 0);
  assert.equal([...voc.outcomes[0]], [RIGHT, WRONG]);
});

test("an IoU of exactly the threshold is right", () => {
  const half = found([0, 0, 10, 5], 0.5);
  assert.equal(coco([square], [half]).outcomes, [RIGHT]);
  assert.equal(coco([square], [half], 0.55).outcomes, [WRONG]);
  assert.equal([...vocMatches([{ objects: [square], detections: [half] }], 0).outcomes[0]], [RIGHT]);
});

test("what lies in a crowd is neutral, however much, by the share of the detection inside", () => {
  const crowd = object([0, 0, 100, 100], { crowd: true });
  const inside = [found([1, 1, 3, 3], 0.9), found([5, 5, 9, 9], 0.8), found([-6, 0, 4, 10], 0.7)]; // the last 40 % inside
  const { outcomes, objects } = coco([crowd], inside);
  assert.equal([outcomes, objects], [[NEUTRAL, NEUTRAL, WRONG], 0]);
});

test("an object to be found is taken before a crowd, even of greater overlap", () => {
  const crowd = object([0, 0, 100, 100], { crowd: true });
  assert.equal(coco([crowd, square], [found([0, 0, 10, 6], 0.9)]).outcomes, [RIGHT]);
});

test("a difficult object is neutral and can be taken once", () => {
  const difficult = object([0, 0, 10, 10], { difficult: true });
  const detections = [found([0, 0, 10, 10], 0.9), found([0, 0, 10, 10], 0.8)];
  const { outcomes, objects } = coco([difficult], detections);
  assert.equal([outcomes, objects], [[NEUTRAL, WRONG], 0]);
  // In VOC every detection of a difficult object is neutral.
  const voc = vocMatches([{ objects: [difficult], detections }], 0);
  assert.equal([[...voc.outcomes[0]], voc.objects[0]], [[NEUTRAL, NEUTRAL], 0]);
});

test("in an area range, objects of other areas are neutral, and so are unmatched detections of other areas", () => {
  const small = object([20, 20, 24, 24]);
  const detections = [
    found([0, 0, 10, 10], 0.9), // of an object outside the range
    found([20, 20, 24, 24], 0.8),
    found([50, 50, 80, 80], 0.7), // of nothing, too large
    found([50, 50, 53, 53], 0.6), // of nothing, in the range
  ];
  const { outcomes, objects } = coco([square, small], detections, 0.5, { areas: [0, 16] });
  assert.equal([outcomes, objects], [[NEUTRAL, RIGHT, NEUTRAL, WRONG], 1]);
});

test("only the best detections of an image count, and only those of the class", () => {
  const detections = [found([0, 0, 10, 10], 0.1), found([40, 0, 50, 10], 0.9), found([0, 0, 10, 10], 0.95, 1)];
  assert.equal(coco([square], detections, 0.5, { maxDetections: 1 }).outcomes, [WRONG]);
  assert.equal(coco([square], detections).outcomes, [WRONG, RIGHT]);
});

test("detections of several images are ordered by score together, equal ones by image", () => {
  const image = (score: number) => ({ objects: [square], detections: [found([0, 0, 10, 10], score)] });
  const {
    image: order,
    outcomes,
    objects,
  } = cocoMatches([image(0.2), image(0.7), image(0.2)], 0, {
    thresholds: [0.5, 1],
  });
  assert.equal([...order], [1, 0, 2]);
  assert.equal(
    outcomes.map((each) => [...each]),
    [
      [RIGHT, RIGHT, RIGHT],
      [RIGHT, RIGHT, RIGHT],
    ],
  );
  assert.equal([...objects], [1, 1, 1]);
});
