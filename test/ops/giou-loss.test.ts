import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { giouLoss } from "../../src/ops/giou-loss.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray, zeros } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}, expected ${expected}`);

test("1 - GIoU by hand", async () => {
  await init();
  step(() => {
    const of = (box: number[], target: number[]) => giouLoss(fromArray(box, [1, 4]), fromArray(target, [1, 4])).item();
    near(of([1, 2, 3, 4], [1, 2, 3, 4]), 0);
    near(of([0, 0, 2, 2], [1, 1, 3, 3]), 1 - (1 / 7 - 2 / 9)); // I 1, U 7, C 9
    near(of([0, 0, 1, 1], [2, 0, 3, 1]), 1 + 1 / 3); // apart: I 0, U 2, C 3
    near(of([0, 0, 4, 4], [1, 1, 2, 3]), 1 - 2 / 16); // around the target: U = C
    near(of([1, 0, 0, 1], [0, 0, 1, 1]), 1); // edges exchanged: no area, the hull is the target
  });
});

test("weights and scale multiply each row", async () => {
  await init();
  step(() => {
    const boxes = fromArray([0, 0, 1, 1, 0, 0, 2, 2], [2, 4]);
    const targets = fromArray([2, 0, 3, 1, 1, 1, 3, 3], [2, 4]);
    const weights = fromArray([3, 0.5], [2]);
    near(giouLoss(boxes, targets, { weights, scale: 2 }).item(), 2 * (3 * (4 / 3) + 0.5 * (1 - 1 / 7 + 2 / 9)));
  });
});

/** Boxes in general position about the targets, so that no edge lies on another. */
const edges = [-0.4, -0.3, 0.7, 0.8, 0.2, 0.3, 0.5, 0.6, 1.5, 1.2, 2.5, 2.9, -1, -2, 2, 3, 0.1, -0.2, 1.4, 0.5];
const targetEdges = Array.from({ length: 5 }, () => [0, 0, 1, 1]).flat();

test("its backward pass is its derivative: overlapping, inside, apart, around, across", async () => {
  await initDouble();
  const boxes = leaf([5, 4], 1);
  boxes.write(edges);
  const weights = fromArray([1, 2, 0.5, 1, 3], [5]);
  gradcheck(() => giouLoss(boxes, fromArray(targetEdges, [5, 4]), { weights, scale: 0.7 }), [boxes]);
});

test("its backward pass is its derivative on a strided view", async () => {
  await initDouble();
  const wide = leaf([5, 6], 1);
  wide.narrow(1, 1, 4).write(edges);
  gradcheck(() => giouLoss(wide.narrow(1, 1, 4), fromArray(targetEdges, [5, 4])), [wide]);
});

test("no box gives 0", async () => {
  await init();
  step(() => assert.is(giouLoss(zeros([0, 4]), zeros([0, 4])).item(), 0));
});

test("targets without area and shapes that do not fit are refused", async () => {
  await init();
  step(() => {
    const isShape = (pattern: RegExp) => (error: Error) => error instanceof ShapeError && pattern.test(error.message);
    const targets = fromArray([0, 0, 1, 1, 1, 0, 1, 2], [2, 4]);
    assert.throws(() => giouLoss(zeros([2, 4]), targets), isShape(/target 1 has no area \(1, 0, 1, 2\)/));
    assert.throws(() => giouLoss(zeros([4]), zeros([4])), isShape(/boxes are \[4\], expected \[R, 4\]/));
    assert.throws(() => giouLoss(zeros([2, 4]), zeros([1, 4])), isShape(/targets is \[1, 4\], expected \[2, 4\]/));
    assert.throws(
      () => giouLoss(zeros([1, 4]), fromArray([0, 0, 1, 1], [1, 4]), { weights: zeros([2]) }),
      isShape(/weights is \[2\], expected \[1\]/),
    );
    assert.throws(
      () => giouLoss(zeros([1, 4]), empty([1, 4], "i32")),
      (error: Error) => error instanceof DTypeError,
    );
  });
});
