import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { windowLayout } from "../../src/ops/window-layout.js";
import { init } from "../../src/runtime/context.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("cells of a window stand one after the other, windows row by row, with nothing beyond the map", async () => {
  await init();
  const { windows, toWindows, toMap, mask } = windowLayout(2, 3, { window: 2 });
  assert.is(windows, 2);
  assert.equal([...toWindows.toArray()], [0, 1, 3, 4, 2, -1, 5, -1]);
  assert.equal([...toMap.toArray()], [0, 1, 4, 2, 3, 6]);
  assert.is(mask, null);
});

test("a moved map begins at its shift and goes on in a circle, the filling included", async () => {
  await init();
  const { toWindows, toMap } = windowLayout(3, 3, { window: 2, shift: [1, 1] });
  // rows and columns 1, 2, beyond, 0
  assert.equal([...toWindows.toArray()], [4, 5, 7, 8, -1, 3, -1, 6, -1, -1, 1, 2, -1, -1, -1, 0]);
  toMap.toArray().forEach((at, cell) => {
    assert.is(toWindows.toArray()[at], cell);
  });
});

test("the mask is the one of nine slices of the moved map", async () => {
  await init();
  for (const [height, width, window, shift] of [
    [8, 8, 4, [2, 2]],
    [7, 14, 7, [3, 3]],
    [3, 3, 7, [3, 3]],
    [9, 6, 3, [1, 0]],
    [4, 9, 3, [0, 2]],
  ] as [number, number, number, [number, number]][]) {
    const { mask, windows } = windowLayout(height, width, { window, shift });
    const [rows, columns] = [height, width].map((size) => Math.ceil(size / window) * window);
    const slices = (length: number, by: number) =>
      by === 0
        ? [[0, length]]
        : [
            [0, length - window],
            [length - window, length - by],
            [length - by, length],
          ];
    const region = Array.from({ length: rows }, () => new Array<number>(columns).fill(-1));
    let count = 0;
    for (const [top, bottom] of slices(rows, shift[0])) {
      for (const [left, right] of slices(columns, shift[1])) {
        for (let y = top; y < bottom; y++) region[y].fill(count, left, right);
        count++;
      }
    }
    const expected: number[] = [];
    for (let w = 0; w < windows; w++) {
      const [top, left] = [Math.floor(w / (columns / window)) * window, (w % (columns / window)) * window];
      const own = Array.from(
        { length: window * window },
        (_, i) => region[top + Math.floor(i / window)][left + (i % window)],
      );
      for (const a of own) for (const b of own) expected.push(a === b ? 0 : -100);
    }
    assert.equal(mask!.shape, [windows, window * window, window * window]);
    assert.equal([...mask!.toArray()], expected);
  }
});

test("sizes and shifts that make no windows are refused", async () => {
  await init();
  refuses(() => windowLayout(0, 4, { window: 2 }), ConfigError, "windowLayout: a map of 0x4 in windows of 2; expected");
  refuses(() => windowLayout(4, 4, { window: 1.5 }), ConfigError, "in windows of 1.5");
  refuses(
    () => windowLayout(4, 4, { window: 2, shift: [0, 2] }),
    ConfigError,
    "windowLayout: shift is [0, 2], expected whole numbers from 0 to 1.",
  );
});
