import * as assert from "uvu/assert";
import { areaUnderCurve, averagePrecision, greatestRecall } from "../../../src/eval/detection/average-precision.js";
import { type ClassMatches, NEUTRAL, RIGHT, WRONG } from "../../../src/eval/detection/match.js";
import { test } from "../../support/test.js";

const matches = (outcomes: number[], objects: number[], image = outcomes.map(() => 0)): ClassMatches => ({
  image: Int32Array.from(image),
  outcomes: [Uint8Array.from(outcomes)],
  objects: Int32Array.from(objects),
});

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, expected ${expected}`);

test("average precision by hand", () => {
  // Of three objects two are found, with an error between: recalls ⅓, ⅓, ⅔ at precisions 1, ½, ⅔.
  const some = matches([RIGHT, WRONG, RIGHT], [3]);
  near(averagePrecision(some), (34 * 1 + 33 * (2 / 3)) / 101); // recalls 0 to 0.33, then 0.34 to 0.66
  near(areaUnderCurve(some), 1 / 3 + (1 / 3) * (2 / 3));
  near(greatestRecall(some), 2 / 3);
});

test("precision is the best at this recall or a greater one", () => {
  const late = matches([WRONG, RIGHT, RIGHT, RIGHT], [3]); // precisions 0, ½, ⅔, ¾
  near(averagePrecision(late), 0.75);
  near(areaUnderCurve(late), 0.75);
});

test("all found without error is 1, nothing found is 0, nothing to be found is not a number", () => {
  for (const figure of [averagePrecision, areaUnderCurve, greatestRecall]) {
    near(figure(matches([RIGHT, RIGHT], [1, 1], [0, 1])), 1);
    near(figure(matches([WRONG], [2])), 0);
    near(figure(matches([], [2])), 0);
    assert.ok(Number.isNaN(figure(matches([WRONG, NEUTRAL], [0]))));
  }
});

test("neutral detections are as good as absent", () => {
  near(averagePrecision(matches([NEUTRAL, RIGHT, NEUTRAL, RIGHT], [2])), 1);
});

test("an image that counts n times is the same as n images", () => {
  const one = matches([RIGHT, WRONG, RIGHT, WRONG, RIGHT], [2, 3], [0, 1, 1, 0, 1]);
  const counted = averagePrecision(one, 0, Int32Array.of(3, 0));
  near(counted, averagePrecision(matches([RIGHT, WRONG], [2])));
  const twice = matches([RIGHT, RIGHT, WRONG, RIGHT, WRONG, WRONG, RIGHT], [2, 2, 3], [0, 1, 2, 2, 0, 1, 2]);
  near(averagePrecision(one, 0, Int32Array.of(2, 1)), averagePrecision(twice));
});
