import { join } from "node:path";
import * as assert from "uvu/assert";
import type { RawImage } from "../../src/data/dataset.js";
import { decode } from "../../src/data/decode.js";
import { DataError } from "../../src/errors.js";
import { decodedApart } from "../support/decoded-apart.js";
import { imageFixture, means, pixels, refusal } from "../support/image-fixtures.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

function largestDifference(a: RawImage, b: RawImage): number {
  assert.equal([a.width, a.height, a.channels], [b.width, b.height, b.channels]);
  return a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.data[i])), 0);
}

/** A JPEG file with one byte sequence, given in hexadecimal, exchanged for another of any length. */
function exchanged(path: string, from: string, to: string): Uint8Array {
  const text = Buffer.from(imageFixture(path)).toString("hex");
  assert.ok(text.includes(from), `${path} has no ${from}`);
  return Buffer.from(text.replace(from, to), "hex");
}

test("CMYK files are converted from inverted ink amounts", async () => {
  const image = await pixels(imageFixture("jpeg-odd/pil_sample_cmyk.jpg"));
  assert.is(image.channels, 3);
  assert.ok(means(image)[0] > 3 * means(image)[1]); // red wine
});

test("photographs stored in different orientations come out as the same picture", async () => {
  const reference = await pixels(imageFixture("exif/hopper_orientation_2.jpg"));
  for (const orientation of [4, 6, 8]) {
    const image = await pixels(imageFixture(`exif/hopper_orientation_${orientation}.jpg`));
    const difference =
      image.data.reduce((sum, value, i) => sum + Math.abs(value - reference.data[i]), 0) / image.data.length;
    assert.ok(difference < 6, `${orientation}: ${difference}`); // each was compressed on its own
  }
});

test("a JPEG header beyond what can be decoded is refused before decoding", async () => {
  const path = "jpeg-size/jpg-size-32x32.jpg"; // frame: length 17, 8 bits, 32 x 32, 3 components
  const frame = "ffc00011080020002003";
  assert.match(await refusal(exchanged(path, frame, "ffc0001108ffdcffdc03")), /65500x65500 is more than/);
  assert.match(await refusal(imageFixture(path), { maxPixels: 1023 }), /32x32 is more than 1023 pixels/);
  assert.match(await refusal(exchanged(path, frame, "ffc00011080000002003")), /size of 32x0/);
  assert.match(await refusal(exchanged(path, frame, "ffc000110c0020002003")), /12 bits per sample/);
  assert.match(await refusal(exchanged(path, frame, "ffc00011080020002002")), /2 components/);
  assert.match(await refusal(exchanged(path, frame, "ffc30011080020002003")), /lossless or hierarchical/);
  assert.match(await refusal(exchanged(path, frame, "ffc90011080020002003")), /arithmetic-coded/);
  assert.match(await refusal(exchanged(path, frame, "ffc00007080020002003")), /frame header is too short/);
  assert.match(await refusal(exchanged(path, frame, `${frame}${"01110002110003110"}${"0"}${frame}`)), /two frames/);
  assert.match(await refusal(imageFixture("jpeg-odd/testimgari.jpg")), /arithmetic-coded/);
  assert.match(await refusal(Buffer.from("ffd8ffc1f151d800ff51d800ffdaffde", "hex")), /cut off/);
  assert.match(await refusal(Buffer.from("ffd8ffd9", "hex")), /no image/);
});

test("a JPEG file that claims 65500x65500 pixels is refused by its frame header, without the memory that it claims", () => {
  const huge = exchanged("jpeg-size/jpg-size-32x32.jpg", "ffc00011080020002003", "ffc0001108ffdcffdc03");
  const progressive = exchanged("jpeg-odd/jpg-progressive.jpg", "ffc20011080020002003", "ffc2001108ffdcffdc03");
  const folder = tempFolder({ "huge.jpg": huge, "progressive.jpg": progressive });
  for (const { path, refused, grownBytes } of decodedApart(
    ["huge.jpg", "progressive.jpg"].map((name) => ({ path: join(folder, name) })),
  )) {
    assert.match(String(refused), /65500x65500 is more than 100000000 pixels/, path);
    assert.ok(grownBytes < 50 * 2 ** 20, `${path}: memory grew by ${grownBytes} bytes`);
  }
});

test("fill bytes before a marker, which the format allows, change nothing", async () => {
  const path = "jpeg-size/jpg-size-32x32.jpg";
  const filled = exchanged(path, "ffc00011", "ffffffffc00011");
  assert.equal(await pixels(filled), await pixels(imageFixture(path)));
});

test("a JPEG file of very many scans is refused", async () => {
  const whole = imageFixture("jpeg-odd/jpg-progressive.jpg"); // 32 x 32
  const scans = Buffer.concat([
    whole.subarray(0, -2),
    ...Array.from({ length: 500 }, () => Buffer.from("ffda0008010100003f00", "hex")),
    Buffer.from("ffd9", "hex"),
  ]);
  assert.match(await refusal(scans, { maxPixels: 1100 }), /scans of 32x32 pixels would take too long/);
});

test("the JPEG decoder gives the same pixels after any number of broken files", async () => {
  const whole = imageFixture("jpeg-odd/hopper.jpg");
  const before = await pixels(whole);
  for (let i = 0; i < 60; i++) {
    await refusal(imageFixture("jpeg-bad/dc-predictor-overflow.jpg"));
    const damaged = whole.slice();
    damaged.fill(0x55, 160, 200); // in the quantisation and Huffman tables
    await decode(damaged).catch((error: unknown) => assert.instance(error, DataError));
    await refusal(whole.subarray(0, whole.length / 2));
    await refusal(Buffer.from("ffd8ffc1f151d800ff51d800ffdaffde", "hex")); // CVE-2022-25851: endless in jpeg-js
    await refusal(imageFixture("jpeg-odd/testimgari.jpg")); // arithmetic-coded
  }
  assert.is(largestDifference(await pixels(whole), before), 0);
});
