import * as assert from "uvu/assert";
import type { RawImage } from "../../src/data/dataset.js";
import { encodePng } from "../../src/data/encode-png.js";
import { pixels } from "../support/image-fixtures.js";
import { squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";

const grey: RawImage = { width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 1, 127, 128, 254, 255) };

test("what is written is read back bit for bit, grey as grey and colour as colour", async () => {
  for (const image of [
    grey,
    squareImage(3, { side: 17 }),
    { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) },
  ])
    assert.equal(await pixels(encodePng(image), { channels: "stored" }), image);
});

test("a part of a larger buffer is written alone", async () => {
  const all = Uint8Array.of(9, 9, 0, 1, 127, 128, 254, 255, 9);
  assert.equal(await pixels(encodePng({ ...grey, data: all.subarray(2, 8) }), { channels: "stored" }), grey);
});

test("smooth images become much smaller than their samples", () => {
  const data = Uint8Array.from({ length: 128 * 128 * 3 }, (_, i) => (Math.floor(i / 3) % 128) + Math.floor(i / 384));
  assert.ok(encodePng({ width: 128, height: 128, channels: 3, data }).length < data.length / 20);
});
