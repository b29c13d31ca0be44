import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { add } from "../../src/ops/elementwise.js";
import { windowLayout } from "../../src/ops/window-layout.js";
import { joinWindows, mergePatches, partitionWindows } from "../../src/ops/windows.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const counted = (shape: number[]) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return fromArray(
    Array.from({ length: count }, (_, i) => i + 1),
    shape,
  );
};

test("windows hold the cells of their place, with zeros beyond the map, and give them back", async () => {
  await init();
  const x = counted([2, 2, 3, 1]);
  step(() => {
    const layout = windowLayout(2, 3, { window: 2 });
    const windows = partitionWindows(x, layout);
    assert.equal(windows.shape, [4, 4, 1]);
    assert.equal([...windows.toArray()], [1, 2, 4, 5, 3, 0, 6, 0, 7, 8, 10, 11, 9, 0, 12, 0]);
    const back = joinWindows(windows, layout);
    assert.equal(back.shape, x.shape);
    assert.equal(back.toArray(), x.toArray());
  });
});

test("moved windows begin further down and to the right, and give their cells back", async () => {
  await init();
  const x = counted([1, 4, 4, 1]);
  step(() => {
    const layout = windowLayout(4, 4, { window: 2, shift: [1, 1] });
    const windows = partitionWindows(x, layout);
    assert.equal([...windows.toArray()], [6, 7, 10, 11, 8, 5, 12, 9, 14, 15, 2, 3, 16, 13, 4, 1]);
    assert.equal(joinWindows(windows, layout).toArray(), x.toArray());
  });
});

test("a slice of channels is read in place", async () => {
  await init();
  const wide = counted([1, 2, 2, 3]);
  step(() => {
    const windows = partitionWindows(wide.narrow(3, 1, 2), windowLayout(2, 2, { window: 2, shift: [1, 0] }));
    assert.equal([...windows.toArray()], [8, 9, 11, 12, 2, 3, 5, 6]);
    assert.equal([...mergePatches(wide.narrow(3, 0, 1)).toArray()], [1, 4, 7, 10]);
  });
});

test("neighbours stand side by side, rows before columns, with zeros beyond an odd map", async () => {
  await init();
  step(() => {
    const y = mergePatches(counted([1, 3, 2, 2]));
    assert.equal(y.shape, [1, 2, 1, 8]);
    assert.equal([...y.toArray()], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0]);
    assert.equal(mergePatches(counted([0, 2, 2, 3])).shape, [0, 1, 1, 12]);
    assert.equal(partitionWindows(counted([0, 2, 2, 3]), windowLayout(2, 2, { window: 2 })).shape, [0, 4, 3]);
    assert.equal([...mergePatches(counted([1, 1, 1, 1])).toArray()], [1, 0, 0, 0]);
  });
});

test("gradients go back to the cells they came from, filled-up cells have none", async () => {
  await initDouble();
  const [x, wide, windows] = [leaf([2, 3, 4, 2], 1), leaf([1, 3, 3, 4], 2), leaf([4, 9, 2], 3)];
  for (const shift of [
    [0, 0],
    [1, 1],
    [2, 0],
  ] as const) {
    const layout = (height: number, width: number) => windowLayout(height, width, { window: 3, shift });
    gradcheck(() => partitionWindows(x, layout(3, 4)), [x]);
    gradcheck(() => partitionWindows(wide.narrow(3, 1, 2), layout(3, 3)), [wide]);
    gradcheck(() => joinWindows(windows, layout(4, 2)), [windows]);
    gradcheck(() => joinWindows(partitionWindows(x, layout(3, 4)), layout(3, 4)), [x]);
    gradcheck(() => add(partitionWindows(x, layout(3, 4)), partitionWindows(x, layout(3, 4))), [x]);
  }
  gradcheck(() => mergePatches(x), [x]);
  gradcheck(() => mergePatches(wide.narrow(3, 0, 3)), [wide]);
});

test("maps and windows that do not fit are refused with the sizes", async () => {
  await init();
  const layout = windowLayout(2, 3, { window: 2 });
  const message = "which does not fit a layout of 2x3 cells in windows of 2.";
  refuses(
    () => partitionWindows(counted([1, 3, 2, 1]), layout),
    ShapeError,
    `partitionWindows: x is [1, 3, 2, 1], ${message}`,
  );
  refuses(() => partitionWindows(counted([2, 3, 1]), layout), ShapeError, "partitionWindows: x is [2, 3, 1]");
  refuses(() => joinWindows(counted([3, 4, 1]), layout), ShapeError, `joinWindows: x is [3, 4, 1], ${message}`);
  refuses(() => joinWindows(counted([2, 9, 1]), layout), ShapeError, "joinWindows: x is [2, 9, 1]");
  refuses(() => joinWindows(counted([8]), layout), ShapeError, "joinWindows: x is [8]");
  refuses(
    () => joinWindows(counted([2, 4, 2]).narrow(2, 0, 1), layout),
    ShapeError,
    "joinWindows: x [2, 4, 1] is a strided view.",
  );
  refuses(() => mergePatches(counted([1, 0, 2, 1])), ShapeError, "mergePatches: the maps of [1, 0, 2, 1] are empty");
  refuses(() => mergePatches(counted([2, 2, 1])), ShapeError, "mergePatches: x is [2, 2, 1]");
  const integers = fromArray([1, 2, 3, 4], [1, 2, 2, 1], "i32");
  refuses(() => mergePatches(integers), DTypeError, "mergePatches: x is");
});
