import * as assert from "uvu/assert";
import { type AffineMap, warp } from "../../src/data/warp.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";

function warped(bytes: Uint8Array, width: number, map: AffineMap, fill = [9]): number[] {
  const target = new Uint8Array(bytes.length);
  warp({ bytes, width, height: bytes.length / width / fill.length, channels: fill.length }, map, fill, target);
  return [...target];
}

test("the identity changes nothing", () => {
  const { data } = noiseImage({ width: 7, height: 5 });
  assert.equal(warped(data, 7, [1, 0, 0, 0, 1, 0], [1, 2, 3]), [...data]);
});

test("whole pixels move exactly, and what comes from outside has the colour of each channel", () => {
  const bytes = Uint8Array.of(10, 20, 30, 40, 50, 60); // 3 × 1 of two channels
  assert.equal(warped(bytes, 3, [1, 0, 1, 0, 1, 0], [7, 8]), [30, 40, 50, 60, 7, 8]);
  assert.equal(warped(bytes, 3, [1, 0, -2, 0, 1, 0], [7, 8]), [7, 8, 7, 8, 10, 20]);
});

test("between pixels stands the cubic worked out by hand, cut and clipped", () => {
  // Half a pixel to the right of 0, 100, 100, 0: 100 + ½ (100 + ½ (−100)) = 125 between the middle two.
  assert.is(warped(Uint8Array.of(0, 100, 100, 0), 4, [1, 0, 0.5, 0, 1, 0])[1], 125);
  assert.is(warped(Uint8Array.of(0, 255, 255, 0), 4, [1, 0, 0.5, 0, 1, 0])[1], 255, "318 is clipped");
  assert.is(warped(Uint8Array.of(255, 0, 0, 255), 4, [1, 0, 0.5, 0, 1, 0])[1], 0, "−63 is clipped");
  // A quarter of the way along 0, 30, 60, 90: 30 + ¼ (60 + ¼ (−90 + ¼ 60)) = 40.3.
  assert.is(warped(Uint8Array.of(0, 30, 60, 90), 4, [1, 0, 0.25, 0, 1, 0])[1], 40);
});

test("rows and columns are told apart", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6); // 3 × 2
  assert.equal(warped(bytes, 3, [1, 0, 0, 0, 1, 1]), [4, 5, 6, 9, 9, 9]);
});
