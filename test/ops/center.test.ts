import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ReleasedError, ShapeError } from "../../src/errors.js";
import { moveCenter } from "../../src/ops/center.js";
import { sum } from "../../src/ops/reduce.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { leaf } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

/** The centre [1, 2, 3] after a move. */
function moved(logits: Tensor, momentum: number): Float32Array {
  const center = fromArray([1, 2, 3], [3]);
  step(() => moveCenter(center, logits, momentum));
  return center.toArray() as Float32Array;
}

test("the centre moves towards the mean of the rows by one minus the momentum", async () => {
  await init();
  const logits = fromArray([1, 0, -3, 5, 4, 1], [2, 3]); // mean [3, 2, −1]
  close(moved(logits, 0.75), [1.5, 2, 2], 1e-6);
  close(moved(logits, 0), [3, 2, -1], 1e-6);
  assert.equal([...moved(logits, 1)], [1, 2, 3]);
});

test("rows of a wider matrix, of more axes and one row alone are taken", async () => {
  await init();
  const wide = fromArray([9, 1, 0, -3, 9, 5, 4, 1], [2, 4]);
  close(moved(wide.narrow(1, 1, 3), 0), [3, 2, -1], 1e-6);
  close(moved(fromArray([1, 0, -3, 5, 4, 1, 0, 8, 2, 2, 0, 4], [2, 2, 3]), 0), [2, 3, 1], 1e-6);
  close(moved(fromArray([2, 6, -1], [1, 3]), 0.5), [1.5, 4, 1], 1e-6);
});

test("many moves over the same rows end at their mean", async () => {
  await initDouble();
  const logits = fromArray([1, 0, -3, 5, 4, 1], [2, 3]);
  const center = fromArray([1, 2, 3], [3]);
  for (let i = 0; i < 400; i++) step(() => moveCenter(center, logits, 0.9));
  close(center.toArray(), [3, 2, -1], 1e-12);
});

test("a move carries no gradient to the rows and leaves them as they are", async () => {
  await init();
  const [logits, center] = [leaf([2, 3], 1), leaf([3], 2)];
  const before = [...logits.toArray()];
  step(() => {
    moveCenter(center, logits, 0.5);
    sum(logits).backward();
  });
  assert.equal(Array.from(gradientOf(logits)), [1, 1, 1, 1, 1, 1]);
  assert.equal(Array.from(gradientOf(center)), [0, 0, 0]);
  assert.equal([...logits.toArray()], before);
});

test("a move refuses what does not fit", async () => {
  await init();
  const center = empty([3]);
  const kind = DTypeError;
  refuses(
    () => moveCenter(empty([3], "i32"), empty([2, 3]), 0.9),
    kind,
    "moveCenter: center is [3] i32, expected f32.",
  );
  refuses(() => moveCenter(center, empty([2, 3], "u8"), 0.9), kind, "moveCenter: logits is [2, 3] u8, expected f32.");
  refuses(() => moveCenter(center, empty([2, 4]), 0.9), ShapeError, "moveCenter: center is [3], expected [4].");
  refuses(
    () => moveCenter(empty([1, 3]), empty([2, 3]), 0.9),
    ShapeError,
    "moveCenter: center is [1, 3], expected [3].",
  );
  refuses(() => moveCenter(center, empty([]), 0.9), ShapeError, "moveCenter: expected at least one axis");
  refuses(() => moveCenter(center, empty([3, 2]).permute([1, 0]), 0.9), ShapeError, "moveCenter: the rows of [2, 3]");
  const gone = step(() => empty([2, 3]));
  await init();
  refuses(() => moveCenter(empty([3]), gone, 0.9), ReleasedError, "moveCenter: logits");
});
