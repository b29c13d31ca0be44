import * as assert from "uvu/assert";
import { ImageWorkspace } from "../../src/data/image-workspace.js";
import { nearestLabels, paddedWindow, withShortSide } from "../../src/data/padded-window.js";
import { init } from "../../src/runtime/context.js";
import { bytesOf } from "../support/image-bytes.js";
import { test } from "../support/test.js";

await init();

const square = { height: 2, width: 2 };
const all = { top: 0, left: 0, ...square };

test("the short side is brought to a length, the other one with it", () => {
  assert.equal(withShortSide({ height: 30, width: 45 }, 20), { height: 20, width: 30 });
  assert.equal(withShortSide({ height: 45, width: 30 }, 20), { height: 30, width: 20 });
  assert.equal(withShortSide({ height: 3, width: 4 }, 2), { height: 2, width: 3 });
});

test("a window that is too small stands in the corner, the rest has the mean colour", () => {
  const workspace = new ImageWorkspace({ channels: 1, mean: [0.2], std: [1] });
  workspace.load({ width: 2, height: 2, channels: 1, data: Uint8Array.of(10, 20, 30, 40) });
  const view = paddedWindow(workspace, { scaled: square, window: all, side: 3 });
  assert.equal([...bytesOf(view, 1)], [10, 20, 51, 30, 40, 51, 51, 51, 51]);
  const flipped = paddedWindow(workspace, { scaled: square, window: all, side: 3, flip: true });
  assert.equal([...bytesOf(flipped, 1)], [20, 10, 51, 40, 30, 51, 51, 51, 51]);
  const whole = paddedWindow(workspace, { scaled: square, window: all, side: 2 });
  assert.equal([...bytesOf(whole, 1)], [10, 20, 30, 40]);
});

test("labels are those of the nearest pixel, mirrored and cut like the image, none where it is filled up", () => {
  const target = new Uint8Array(16);
  const twice = { height: 4, width: 4 };
  const window = { top: 0, left: 0, height: 4, width: 4 };
  nearestLabels(Uint8Array.of(1, 2, 3, 4), square, { scaled: twice, window, side: 4 }, target);
  assert.equal([...target], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  const part = { top: 1, left: 1, height: 2, width: 1 };
  const small = new Uint8Array(4);
  nearestLabels(Uint8Array.of(1, 2, 3, 4), square, { scaled: twice, window: part, side: 2, flip: true }, small);
  assert.equal([...small], [2, 255, 4, 255]);
  const line = { height: 1, width: 4 };
  nearestLabels(
    Uint8Array.of(1, 2, 3, 4),
    line,
    { scaled: { height: 1, width: 2 }, window: { top: 0, left: 0, height: 1, width: 2 }, side: 2 },
    small,
  );
  assert.equal([...small], [2, 4, 255, 255]);
});

test("image and labels of a window agree for every cut, mirrored or not", () => {
  const workspace = new ImageWorkspace({ channels: 1, mean: [1], std: [1] });
  const values = Uint8Array.from({ length: 48 }, (_, i) => 5 * i);
  workspace.load({ width: 8, height: 6, channels: 1, data: values });
  const scaled = { height: 6, width: 8 };
  const labels = new Uint8Array(25);
  for (const flip of [false, true]) {
    for (const [top, left, height, width] of [
      [0, 0, 5, 5],
      [1, 3, 5, 5],
      [2, 6, 4, 2],
    ]) {
      const cut = { scaled, window: { top, left, height, width }, side: 5, flip };
      nearestLabels(values, scaled, cut, labels);
      assert.equal(bytesOf(paddedWindow(workspace, cut), 1), labels); // the mean, 255, is the label of none
    }
  }
});
