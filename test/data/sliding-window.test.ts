import * as assert from "uvu/assert";
import { SlidingWindow, windowStarts } from "../../src/data/sliding-window.js";
import { ConfigError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const sliding = (size: number, crop: number, stride: number) =>
  new SlidingWindow({ size, crop, stride, channels: 1, mean: [0], std: [1] });

test("windows stand a stride apart, and the last one ends with the side", () => {
  assert.equal(windowStarts(512, 512, 341), [0]);
  assert.equal(windowStarts(683, 512, 341), [0, 171]);
  assert.equal(windowStarts(1000, 512, 341), [0, 341, 488]);
  assert.equal(windowStarts(853, 512, 341), [0, 341]);
  assert.equal(windowStarts(100, 512, 341), [0]);
});

test("an image is brought to its size and cut into windows, row by row", async () => {
  await init();
  const windows = sliding(4, 3, 2);
  const data = Uint8Array.from({ length: 24 }, (_, i) => i);
  const windowed = windows.load({ width: 6, height: 4, channels: 1, data });
  assert.equal(windowed.scaled, { height: 4, width: 6 });
  const starts = windowed.windows.map(({ top, left }) => [top, left]);
  assert.equal(starts, [
    [0, 0],
    [0, 2],
    [0, 3],
    [1, 0],
    [1, 2],
    [1, 3],
  ]);
  const target = empty([1, 1, 3, 3]);
  windows.write(windowed, [windowed.windows[4]], target);
  assert.equal(
    [...target.toArray()].map((value) => Math.round(255 * value)),
    [8, 9, 10, 14, 15, 16, 20, 21, 22],
  );
});

test("an image smaller than a window is one window, filled up with the mean", async () => {
  await init();
  const windows = sliding(2, 3, 2);
  const windowed = windows.load({ width: 2, height: 2, channels: 1, data: Uint8Array.of(51, 102, 153, 204) });
  assert.equal(windowed.windows, [{ top: 0, left: 0, height: 2, width: 2 }]);
  const target = empty([2, 1, 3, 3]);
  windows.write(windowed, windowed.windows, target);
  assert.equal(
    [...target.narrow(0, 0, 1).toArray()].map((value) => Math.round(5 * value)),
    [1, 2, 0, 3, 4, 0, 0, 0, 0],
  );
});

test("sizes that leave pixels out are refused", async () => {
  await init();
  refuses(() => sliding(4, 3, 4), ConfigError, "size 4, crop 3 and stride 4, expected positive whole numbers");
  refuses(() => sliding(0, 3, 2), ConfigError, "size 0");
});
