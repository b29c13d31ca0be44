import * as assert from "uvu/assert";
import { ConfigError, DataError } from "../../../src/errors.js";
import { seeImages } from "../../../src/report/pictures/patch-features.js";
import { init, memory } from "../../../src/runtime/context.js";
import { refuses } from "../../support/refuses.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();
const images = Array.from({ length: 19 }, (_, i) => squareImage(i));

test("every image is seen once, in order, normalised, a few at a time", () => {
  const encoder = tinyEncoder();
  const { mean, std } = encoder.spec;
  const sizes: number[] = [];
  const before = memory().persistentBytes;
  const corners = seeImages(encoder, images, 16, (batch) => {
    sizes.push(batch.shape[0]);
    return Array.from({ length: batch.shape[0] }, (_, i) => batch.select(0, i).toArray()[0]);
  });
  assert.equal(sizes, [8, 8, 3]);
  corners.forEach((value, i) => {
    assert.ok(Math.abs(value - (images[i].data[0] / 255 - mean[0]) / std[0]) < 1e-5);
  });
  assert.is(memory().persistentBytes, before);
});

test("a grey image is seen in colour", () => {
  const grey = { width: 16, height: 16, channels: 1, data: new Uint8Array(256).fill(51) };
  const [seen] = seeImages(tinyEncoder(), [grey], 16, (batch) => [batch.toArray()]);
  const { mean, std } = tinyEncoder().spec;
  for (let i = 0; i < seen.length; i++) {
    const c = Math.floor(i / 256);
    assert.ok(Math.abs(seen[i] - (0.2 - mean[c]) / std[c]) < 1e-5);
  }
});

test("part of a patch, and no image at all, are refused", () => {
  refuses(() => seeImages(tinyEncoder(), images, 18, () => []), ConfigError, "expected a multiple of 4");
  refuses(() => seeImages(tinyEncoder(), [], 16, () => []), DataError, "no image to show");
});
