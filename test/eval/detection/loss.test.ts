import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { detectionLoss } from "../../../src/eval/detection/loss.js";
import { init } from "../../../src/runtime/context.js";
import { fromArray, zeros } from "../../../src/tensor/create.js";
import { gradcheck, leaf } from "../../support/gradcheck.js";
import { initDouble } from "../../support/runtime.js";
import { test } from "../../support/test.js";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}, expected ${expected}`);

const targets = {
  classes: Int32Array.of(-1, 1, 0, -2),
  positives: Int32Array.of(1, 2),
  edges: Float64Array.of(-1, -1, 1, 1, -2, -1, 2, 1),
  centreness: Float64Array.of(1, 0.5),
};

test("the terms of the loss by hand", async () => {
  await init();
  step(() => {
    const predictions = {
      classes: zeros([4, 2]),
      distances: fromArray([9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9], [4, 4]),
      centreness: zeros([4, 1]),
    };
    const { total, classes, boxes, centreness } = detectionLoss(predictions, targets, { boxWeight: 2 });
    // Three rows count, each logit is 0: (6 · ¾ − 2 · ½) · ¼ · ln 2 over two positive points.
    near(classes.item(), ((1.5 + 1 + 1) * 0.25 * Math.LN2) / 2);
    // The first box is right; the second is the left and right half of its target: IoU ½ and the hull is the target.
    near(boxes!.item(), (1 * 0 + 0.5 * 0.5) / 1.5);
    near(centreness!.item(), Math.LN2);
    near(total.item(), classes.item() + 2 * boxes!.item() + centreness!.item());
  });
});

test("without an object only the classes count", async () => {
  await init();
  step(() => {
    const none = {
      classes: Int32Array.of(-1),
      positives: new Int32Array(),
      edges: new Float64Array(),
      centreness: new Float64Array(),
    };
    const predictions = { classes: zeros([1, 2]), distances: zeros([1, 4]), centreness: zeros([1, 1]) };
    const { total, boxes, centreness } = detectionLoss(predictions, none, { boxWeight: 2 });
    assert.equal([boxes, centreness], [null, null]);
    near(total.item(), 1.5 * 0.25 * Math.LN2);
  });
});

test("its backward pass is its derivative", async () => {
  await initDouble();
  const [classes, distances, centreness] = [leaf([4, 2], 1), leaf([4, 4], 2), leaf([4, 1], 3)];
  distances.write(distances.toArray().map((value) => value + 1.6));
  gradcheck(
    () => detectionLoss({ classes, distances, centreness }, targets, { boxWeight: 3 }).total,
    [classes, distances, centreness],
  );
});
