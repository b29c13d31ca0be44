import * as assert from "uvu/assert";
import {
  boxInImage,
  boxInView,
  drawShortSide,
  drawView,
  objectsInView,
  wholeView,
} from "../../../src/eval/detection/view.js";
import { Rng } from "../../../src/tensor/random.js";
import { close } from "../../support/close.js";
import { test } from "../../support/test.js";

const image = { height: 60, width: 80 };
const object = { box: [20, 10, 40, 30] as const, label: 2, area: 400, crowd: false, difficult: false };
const policy = { shortSides: [24, 40] as const, cropProbability: 1, flipProbability: 0.5 };

test("the short side gets its length, the long side at most 5/3 of it", () => {
  assert.equal(wholeView(image, 30), {
    ...{ window: { top: 0, left: 0, ...image }, flip: false },
    ...{ height: 30, width: 40 },
  });
  const wide = wholeView({ height: 10, width: 100 }, 60);
  assert.equal([wide.height, wide.width], [10, 100]); // 60 · 1333/800 = 99.975
});

test("a box in a view is moved, scaled, mirrored and cut", () => {
  const window = { top: 5, left: 10, height: 20, width: 40 };
  const view = { window, flip: false, height: 40, width: 60 };
  assert.equal(boxInView([20, 10, 40, 30], view), [15, 10, 45, 40]);
  assert.equal(boxInView([20, 10, 40, 30], { ...view, flip: true }), [15, 10, 45, 40]);
  assert.equal(boxInView([10, 5, 20, 10], { ...view, flip: true }), [45, 0, 60, 10]);
  assert.equal(boxInView([0, 0, 5, 5], view), [0, 0, 0, 0]);
});

test("a box goes to the image and back", () => {
  const view = { window: { top: 5, left: 10, height: 20, width: 40 }, flip: false, height: 33, width: 60 };
  close([...boxInImage(boxInView([20, 10, 40, 20], view), view)], [20, 10, 40, 20], 1e-12);
  close([...boxInImage([-5, -5, 600, 600], view)], [10, 5, 50, 25], 1e-12);
});

test("views are functions of their stream and stay inside the image", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const draw = () => drawView(new Rng(3, i), { image, objects: [object] }, { policy, shortSide: 30 });
    const view = draw();
    assert.equal(draw(), view);
    const { window } = view;
    assert.ok(window.top >= 0 && window.left >= 0 && window.height >= 30 && window.width >= 40);
    assert.ok(window.top + window.height <= 60 && window.left + window.width <= 80);
    assert.is(Math.min(view.height, view.width) <= 30, true);
    const [left, top, right, bottom] = boxInView(object.box, view);
    assert.ok(right > left && bottom > top, "the middle of the only object is inside");
    seen.add(JSON.stringify(view));
  }
  assert.ok(seen.size > 150);
});

test("short sides are drawn from the whole range and nothing else", () => {
  const drawn = Array.from({ length: 300 }, (_, i) => drawShortSide(new Rng(1, i), policy));
  assert.equal([Math.min(...drawn), Math.max(...drawn)], [24, 40]);
  assert.ok(drawn.every(Number.isInteger));
});

test("objects that are a crowd or difficult become regions that are left out; slivers are gone", () => {
  const sliver = { ...object, box: [0, 0, 0.5, 60] as const };
  const objects = [object, { ...object, crowd: true }, { ...object, difficult: true, label: 1 }, sliver];
  const { boxes, labels, leftOut } = objectsInView(objects, wholeView(image, 60));
  assert.equal([boxes, labels, leftOut], [[object.box], [2], [object.box, object.box]]);
});
