import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { imagesOf, sidesOf, slidingAxis, windowTensor, withTemporaries } from "../../src/ops/window.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("a window fits as often as its reach allows", () => {
  const fit = (size: number, taps: number, stride: number, padding: number, dilation: number) =>
    slidingAxis("conv2d", size, { taps, stride, padding, dilation }).outputs;
  assert.is(fit(224, 7, 2, 3, 1), 112);
  assert.is(fit(56, 3, 1, 1, 1), 56);
  assert.is(fit(112, 3, 2, 1, 1), 56);
  assert.is(fit(9, 3, 1, 0, 4), 1);
  refuses(() => fit(8, 3, 1, 0, 4), ShapeError, "conv2d: a window of 9 pixels does not fit into 8 with padding 0");
});

test("one side stands for both", () => {
  assert.equal(sidesOf("pool", "size", 3, 1), [3, 3]);
  assert.equal(sidesOf("pool", "size", [3, 2], 1), [3, 2]);
  refuses(
    () => sidesOf("pool", "size", [3, 0], 1),
    ConfigError,
    "pool: size is [3, 0], expected whole numbers from 1 on",
  );
});

test("a slice of channels is seen in place, with the pixels of the whole", async () => {
  await init();
  const x = leaf([2, 3, 4, 6], 1);
  assert.equal(imagesOf("pool", x.narrow(3, 2, 3)), { batch: 2, height: 3, width: 4, channels: 3, pixel: 6 });
  refuses(() => imagesOf("pool", x.narrow(2, 0, 2)), ShapeError, "not evenly spaced");
});

test("the numbers of a window are written in the order of assembly/window.ts", async () => {
  await init();
  const rows = slidingAxis("pool", 9, { taps: 3, stride: 2, padding: 1, dilation: 1 });
  const columns = slidingAxis("pool", 8, { taps: 2, stride: 1, padding: 0, dilation: 4 });
  const numbers = step(() => [...windowTensor([rows, columns], 7, { image: 60, row: 12, pixel: 3 }).toArray()]);
  assert.equal(numbers, [9, 8, 7, 5, 4, 3, 2, 2, 1, -1, 0, 1, 4, 60, 12, 3]);
});

test("temporaries are given back, also on a throw", async () => {
  await init();
  step(() => {
    const before = memory().stepBytes;
    withTemporaries(() => empty([1000]));
    assert.throws(() =>
      withTemporaries(() => {
        empty([1000]);
        throw new Error("inside");
      }),
    );
    assert.is(memory().stepBytes, before);
  });
});
