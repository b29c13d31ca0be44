import * as assert from "uvu/assert";
import { otsuForeground, otsuThreshold } from "../../../src/eval/segmentation/otsu.js";
import { test } from "../../support/test.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("the threshold parts values where the means of both sides are farthest apart by their weights", () => {
  // After 0: 1·4·(0 − 6)² = 144; after 2: 3·2·(4/3 − 10)² = 450.7; after 9: 4·1·(13/4 − 11)² = 240.25.
  assert.is(otsuThreshold(bytes(0, 2, 2, 9, 11)), 2);
  assert.is(otsuThreshold(bytes(10, 10, 200, 200)), 10);
  assert.is(otsuThreshold(bytes(7, 7, 7)), 0, "one value has no threshold");
});

test("foreground is the rarer side, bright or dark", () => {
  const image = (...data: number[]) => ({ width: data.length, height: 1, channels: 1, data: bytes(...data) });
  assert.equal([...otsuForeground(image(10, 200, 12, 11))], [0, 1, 0, 0]);
  assert.equal([...otsuForeground(image(210, 20, 212, 211))], [0, 1, 0, 0]);
  const colour = { width: 3, height: 1, channels: 3, data: bytes(0, 0, 9, 0, 0, 9, 250, 240, 230) };
  assert.equal([...otsuForeground(colour)], [0, 0, 1]);
});
