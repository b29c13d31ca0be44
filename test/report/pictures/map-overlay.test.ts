import * as assert from "uvu/assert";
import { meanMap, overlay } from "../../../src/report/pictures/map-overlay.js";
import { test } from "../../support/test.js";

const grey = { width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(100) };

test("the least value lies violet over the darkened image, the greatest yellow", () => {
  const { data } = overlay(grey, Float32Array.of(-1, 3, -1, -1), 2);
  const pixel = (x: number, y: number) => [...data.subarray((y * 4 + x) * 3, (y * 4 + x) * 3 + 3)];
  assert.equal(
    pixel(0, 3),
    [68, 1, 84].map((c) => Math.round(80 + 0.35 * (c - 80))),
  );
  assert.equal(
    pixel(3, 0),
    [253, 231, 37].map((c) => Math.round(80 + 0.85 * (c - 80))),
  );
});

test("a map without differences is violet everywhere", () => {
  const { data } = overlay(grey, Float32Array.of(2, 2, 2, 2), 2);
  const violet = [68, 1, 84].map((c) => Math.round(80 + 0.35 * (c - 80)));
  for (let i = 0; i < data.length; i++) assert.is(data[i], violet[i % 3]);
});

test("the mean of maps is taken patch by patch", () => {
  assert.equal([...meanMap([Float32Array.of(1, 2), Float32Array.of(3, 6)])], [2, 4]);
});
