import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { logDistance } from "../../src/ops/log-distance.js";
import { nearestRows } from "../../src/ops/nearest.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, zeros } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

const pairs = Int32Array.of(1, 2, 0, 0); // row 0 is the neighbour of two

test("the mean of negative log distances, by hand", async () => {
  await init();
  step(() => {
    const z = fromArray([0, 0, 3, 4, 6, 8], [3, 2]); // distances 5, 5, 10
    const value = logDistance(z, Int32Array.of(1, 0, 0)).item();
    assert.ok(Math.abs(value + (2 * Math.log(5) + Math.log(10)) / 3) < 1e-6, `${value}`);
  });
});

test("with nearest rows it is the official regulariser", async () => {
  await init();
  const get = storedFixture("golden/koleo.safetensors");
  const { data, shape } = get("in.x");
  const [rows, cols] = shape;
  const unit = Array.from(data as Float32Array, (x, i) => {
    const row = (data as Float32Array).subarray(Math.floor(i / cols) * cols, (Math.floor(i / cols) + 1) * cols);
    return x / Math.hypot(...row);
  });
  step(() => {
    const z = fromArray(unit, [rows, cols]);
    const { index } = nearestRows(z, z, 1, { excludeSelf: true });
    const expected = Number(get("out64.loss").data[0]);
    assert.ok(Math.abs(logDistance(z, index).item() - expected) < 1e-6);
  });
});

test("its backward pass is its derivative, also where rows share a neighbour", async () => {
  await initDouble();
  const z = leaf([4, 5], 1);
  gradcheck(() => logDistance(z, pairs, { eps: 1e-3 }), [z]);
});

test("its backward pass is its derivative on a strided view", async () => {
  await initDouble();
  const wide = leaf([4, 7], 2);
  gradcheck(() => logDistance(wide.narrow(1, 1, 5), pairs), [wide]);
});

test("coinciding rows give finite values and gradients", async () => {
  await init();
  const z = fromArray([1, 2, 1, 2], [2, 2]);
  z.storage.tracked = true;
  step(() => {
    const loss = logDistance(z, Int32Array.of(1, 0));
    assert.ok(Number.isFinite(loss.item()));
    loss.backward();
  });
  assert.ok(z.grad()!.every(Number.isFinite));
});

test("a single column works", async () => {
  await init();
  step(() =>
    assert.ok(Math.abs(logDistance(fromArray([1, 3], [2, 1]), Int32Array.of(1, 0)).item() + Math.log(2)) < 1e-6),
  );
});

test("neighbours of another number, outside the rows, or not integers are refused", async () => {
  await init();
  step(() => {
    const isShape = (pattern: RegExp) => (error: Error) => error instanceof ShapeError && pattern.test(error.message);
    assert.throws(
      () => logDistance(zeros([3, 2]), Int32Array.of(0)),
      isShape(/1 neighbours for the 3 rows of z \[3, 2\]/),
    );
    assert.throws(() => logDistance(zeros([2, 2]), Int32Array.of(1, 2)), isShape(/neighbour 2 is outside the 2 rows/));
    assert.throws(() => logDistance(zeros([2, 2]), Int32Array.of(-1, 0)), isShape(/neighbour -1/));
    assert.throws(
      () => logDistance(zeros([2, 2]), zeros([2])),
      (error: Error) => error instanceof DTypeError,
    );
  });
});
