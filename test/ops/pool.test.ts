import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { avgPool2d, globalAvgPool, maxPool2d } from "../../src/ops/pool.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);
const counted = (height: number, width: number) =>
  fromArray(
    Array.from({ length: height * width }, (_, i) => i),
    [1, height, width, 1],
  );

test("the largest of each window is kept, and padding never wins", async () => {
  await init();
  const x = counted(4, 4);
  assert.equal(
    values(() => maxPool2d(x, 2)),
    [5, 7, 13, 15],
  );
  const below = fromArray([-1, -2, -3, -4], [1, 2, 2, 1]);
  const options = { stride: 2, padding: 1 };
  assert.equal(
    values(() => maxPool2d(below, 3, options)),
    [-1],
  );
  assert.equal(
    values(() => maxPool2d(x, 2, { stride: 1, dilation: 2 })),
    [10, 11, 14, 15],
  );
});

test("of equal numbers the first receives the gradient, of overlapping windows the sum", async () => {
  await init();
  const x = fromArray([1, 1, 0, 3, 3, 0], [1, 1, 6, 1]);
  x.storage.tracked = true;
  step(() => maxPool2d(x, [1, 3], { stride: 1 }).backward([1, 10, 100, 1000]));
  assert.equal([...(x.grad() ?? [])], [1, 0, 0, 1110, 0, 0]);
});

test("padding counts in the mean of a window unless it is told not to", async () => {
  await init();
  const x = fromArray([4, 8, 12, 16], [1, 2, 2, 1]);
  const options = { stride: 2, padding: 1 };
  assert.equal(
    values(() => avgPool2d(x, 2, options)),
    [1, 2, 3, 4],
  );
  assert.equal(
    values(() => avgPool2d(x, 2, { ...options, countIncludePad: false })),
    [4, 8, 12, 16],
  );
  assert.equal(
    values(() => avgPool2d(counted(2, 4), [1, 2])),
    [0.5, 2.5, 4.5, 6.5],
  );
});

test("the mean over all pixels is taken channel by channel", async () => {
  await init();
  const x = fromArray([1, 10, 2, 20, 3, 30, 6, 60, 0, 1, 0, 1, 0, 1, 0, 5], [2, 2, 2, 2]);
  step(() => assert.equal(globalAvgPool(x).shape, [2, 2]));
  assert.equal(
    values(() => globalAvgPool(x)),
    [3, 30, 0, 2],
  );
});

test("backward of pooling is the derivative", async () => {
  await initDouble();
  const x = leaf([2, 7, 6, 3], 1);
  gradcheck(() => maxPool2d(x, 3, { stride: 2, padding: 1 }), [x]);
  gradcheck(() => maxPool2d(x, [2, 3], { stride: 1, dilation: 2 }), [x]);
  gradcheck(() => avgPool2d(x, 3, { stride: 2, padding: 1 }), [x]);
  gradcheck(() => avgPool2d(x, [3, 2], { stride: [1, 3], padding: [1, 0], countIncludePad: false }), [x]);
  gradcheck(() => globalAvgPool(x), [x]);
});

test("a slice of channels is pooled in place, and its gradients add up", async () => {
  await initDouble();
  const x = leaf([2, 5, 5, 6], 1);
  const part = x.narrow(3, 1, 4);
  gradcheck(() => maxPool2d(maxPool2d(part, 2, { stride: 1 }), 2), [x]);
  gradcheck(() => avgPool2d(part, 2, { stride: 2, padding: 1 }), [x]);
  gradcheck(() => globalAvgPool(part), [x]);
});

test("no images and no channels are pooled to none", async () => {
  await init();
  step(() => {
    assert.equal(maxPool2d(leaf([0, 4, 4, 3], 1), 2).shape, [0, 2, 2, 3]);
    assert.equal(avgPool2d(leaf([2, 4, 4, 0], 1), 2).shape, [2, 2, 2, 0]);
    assert.equal(globalAvgPool(leaf([0, 4, 4, 3], 1)).shape, [0, 3]);
  });
});

test("what does not fit is refused", async () => {
  await init();
  const x = leaf([1, 4, 5, 2], 1);
  refuses(() => maxPool2d(x, 3, { padding: 2 }), ConfigError, "padding is 2 for a window of 3");
  refuses(() => maxPool2d(x, 3, { dilation: 2 }), ShapeError, "a window of 5 pixels does not fit into 4");
  refuses(() => avgPool2d(x, 0), ConfigError, "size is [0, 0], expected whole numbers from 1 on");
  refuses(() => avgPool2d(leaf([4, 5, 2], 1), 2), ShapeError, "expected [B, H, W, C]");
  refuses(() => globalAvgPool(leaf([1, 0, 5, 2], 1)), ShapeError, "expected at least one pixel");
  refuses(() => maxPool2d(leaf([1, 2, 4, 4], 1).permute([0, 2, 3, 1]), 2), ShapeError, "not evenly spaced");
  refuses(() => maxPool2d(fromArray([1], [1, 1, 1, 1], "i32"), 1), DTypeError, "expected f32");
});
