import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { resizeBilinear } from "../../src/ops/bilinear.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("doubling a line puts samples at quarters between cells, and its ends repeat the edge", async () => {
  await init();
  const line = fromArray([0, 4, 12], [1, 1, 3, 1]);
  const doubled = [0, 1, 3, 6, 10, 12];
  assert.equal(
    values(() => resizeBilinear(line, 1, 6)),
    doubled,
  );
  assert.equal(
    values(() => resizeBilinear(fromArray([0, 4, 12], [1, 3, 1, 1]), 6, 1)),
    doubled,
  );
});

test("halving samples between two cells of each axis, without an average over more", async () => {
  await init();
  const map = fromArray([...Array(16).keys()], [1, 4, 4, 1]);
  assert.equal(
    values(() => resizeBilinear(map, 2, 2)),
    [2.5, 4.5, 10.5, 12.5],
  );
  assert.equal(
    values(() => resizeBilinear(map, 1, 1)),
    [7.5],
  );
});

test("a ratio that is no whole number takes each sample's own share", async () => {
  await init();
  // Three from two: samples at −1/6 (the edge), 1/2 and 7/6 (the edge).
  const map = fromArray([0, 10, 6, 16], [1, 2, 1, 2]);
  close(
    values(() => resizeBilinear(map, 3, 1)),
    [0, 10, 3, 13, 6, 16],
    1e-6,
  );
});

test("a map of the wanted size is handed back, and one cell fills any size", async () => {
  await init();
  const map = fromArray([1, 2], [1, 1, 2, 1]);
  assert.is(resizeBilinear(map, 1, 2), map);
  assert.equal(
    values(() => resizeBilinear(fromArray([3, 7], [1, 1, 1, 2]), 2, 2)),
    [3, 7, 3, 7, 3, 7, 3, 7],
  );
});

test("images and channels do not mix, and a slice of channels is read in place", async () => {
  await init();
  const [a, b] = [numbers([3 * 2 * 5], 1), numbers([3 * 2 * 5], 2)];
  const both = fromArray([...a, ...b], [2, 3, 2, 5]);
  const alone = (x: Float64Array) => values(() => resizeBilinear(fromArray(x, [1, 3, 2, 5]), 4, 5));
  assert.equal(
    values(() => resizeBilinear(both, 4, 5)),
    [...alone(a), ...alone(b)],
  );
  const part = both.narrow(3, 1, 3);
  const copy = fromArray(part.toArray(), [2, 3, 2, 3]);
  assert.equal(
    values(() => resizeBilinear(part, 4, 5)),
    values(() => resizeBilinear(copy, 4, 5)),
  );
});

test("backward of a bilinear resize is the derivative, larger and smaller, through a slice of channels too", async () => {
  await initDouble();
  const x = leaf([2, 3, 4, 6], 1);
  gradcheck(() => resizeBilinear(x, 7, 5), [x]);
  gradcheck(() => resizeBilinear(x, 2, 9), [x]);
  gradcheck(() => resizeBilinear(resizeBilinear(x, 6, 4), 1, 1), [x]);
  gradcheck(() => resizeBilinear(x.narrow(3, 1, 4), 5, 8), [x]);
});

test("no maps and no channels are resized to none", async () => {
  await init();
  step(() => {
    assert.equal(resizeBilinear(leaf([0, 4, 4, 3], 1), 2, 3).shape, [0, 2, 3, 3]);
    assert.equal(resizeBilinear(leaf([2, 4, 4, 0], 1), 8, 8).shape, [2, 8, 8, 0]);
  });
});

test("maps and sizes that do not fit are refused", async () => {
  await init();
  const x = leaf([1, 4, 4, 2], 1);
  refuses(() => resizeBilinear(x, 0, 4), ConfigError, "size is [0, 4], expected whole numbers from 1 on");
  refuses(() => resizeBilinear(x, 4, 2.5), ConfigError, "size is [4, 2.5]");
  refuses(
    () => resizeBilinear(leaf([1, 0, 4, 2], 1), 2, 2),
    ShapeError,
    "maps of [1, 0, 4, 2] have no pixel to sample",
  );
  refuses(() => resizeBilinear(leaf([4, 4, 2], 1), 2, 2), ShapeError, "expected [B, H, W, C]");
  refuses(() => resizeBilinear(x.permute([0, 3, 1, 2]), 8, 8), ShapeError, "not evenly spaced");
  refuses(() => resizeBilinear(empty([1, 2, 2, 1], "i32"), 4, 4), DTypeError, "expected f32");
});
