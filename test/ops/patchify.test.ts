import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { patchify } from "../../src/ops/patchify.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("patches come row by row, their pixels channel by channel", async () => {
  await init();
  // Channel 0 holds 0…7, channel 1 the same plus 100: 2 x 4 pixels, two patches of 2 x 2.
  const images = fromArray([0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 102, 103, 104, 105, 106, 107], [1, 2, 2, 4]);
  const y = step(() => patchify(images, 2));
  assert.equal(y.shape, [1, 2, 8]);
  assert.equal([...y.toArray()], [0, 1, 4, 5, 100, 101, 104, 105, 2, 3, 6, 7, 102, 103, 106, 107]);
});

test("patches of one pixel, of the whole image, and of strided images are right", async () => {
  await init();
  const images = fromArray([1, 2, 3, 4], [1, 1, 2, 2]);
  assert.equal(
    step(() => patchify(images, 1).shape),
    [1, 4, 1],
  );
  assert.equal(
    step(() => [...patchify(images, 2).toArray()]),
    [1, 2, 3, 4],
  );
  assert.equal(
    step(() => [...patchify(images.permute([0, 1, 3, 2]), 2).toArray()]),
    [1, 3, 2, 4],
  );
  assert.equal(
    step(() => patchify(empty([0, 3, 4, 4]), 2).shape),
    [0, 4, 12],
  );
});

test("images that cannot be cut are refused with a message", async () => {
  await init();
  const images = empty([1, 3, 4, 6]);
  const text = "expected [B, C, H, W] with sides that are multiples of";
  refuses(() => patchify(images, 4), ShapeError, `patchify: images are [1, 3, 4, 6], ${text} 4.`);
  refuses(() => patchify(images, 0), ShapeError, text);
  refuses(() => patchify(empty([3, 4, 4]), 2), ShapeError, "patchify: images are [3, 4, 4]");
  refuses(
    () => patchify(empty([1, 3, 4, 4], "u8"), 2),
    DTypeError,
    "patchify: images is [1, 3, 4, 4] u8, expected f32.",
  );
});

test("the gradient of the images is the derivative", async () => {
  await initDouble();
  const images = leaf([2, 3, 4, 6], 1);
  gradcheck(() => patchify(images, 2), [images]);
  const strided = leaf([1, 2, 6, 4], 2);
  gradcheck(() => patchify(strided.permute([0, 1, 3, 2]), 2), [strided]);
});
