import * as assert from "uvu/assert";
import { sharpen } from "../../src/data/sharpness.js";
import { test } from "../support/test.js";

function sharpened(bytes: number[], width: number, factor: number): number[] {
  const source = { bytes: Uint8Array.from(bytes), width, height: bytes.length / width, channels: 1 };
  const target = new Uint8Array(bytes.length);
  sharpen(source, factor, target);
  return [...target];
}

const spot = [0, 0, 0, 0, 130, 0, 0, 0, 0];

test("a pixel moves from the mean around it by the factor", () => {
  // Mean of the middle: 5 · 130 / 13 = 50.
  assert.is(sharpened(spot, 3, 0)[4], 50);
  assert.is(sharpened(spot, 3, 0.5)[4], 90);
  assert.is(sharpened(spot, 3, 1)[4], 130);
  assert.is(sharpened(spot, 3, 1.5)[4], 170);
  assert.is(sharpened(spot, 3, 4)[4], 255);
});

test("pixels of the border stay as they are, as do images without an inside", () => {
  assert.equal(sharpened(spot, 3, 0).toSpliced(4, 1), [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(sharpened([1, 200, 3, 90], 2, 0), [1, 200, 3, 90]);
});

test("channels do not mix", () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, i) => (i % 2 === 0 ? spot[i / 2] : 77));
  const target = new Uint8Array(18);
  sharpen({ bytes, width: 3, height: 3, channels: 2 }, 0, target);
  assert.equal([target[8], target[9]], [50, 77]);
});
