import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { decode } from "../../src/data/decode.js";
import { DataError } from "../../src/errors.js";
import { imageFixture, pixels, pngFile, pngHeader, refusal } from "../support/image-fixtures.js";
import { assertDecodedAsExpected, expectedImages } from "../support/odd-images.js";
import { test } from "../support/test.js";

test("real files of unusual encodings have the size and colour that Pillow sees, broken ones are refused, and none takes 100 MB", () => {
  const folder = fileURLToPath(new URL("../../../test/fixtures/images", import.meta.url));
  assert.is(expectedImages(folder).length, 168);
  assertDecodedAsExpected(folder);
});

test("grey is repeated, kept as one channel, or made of colour, as asked", async () => {
  const grey = pngFile(["IHDR", pngHeader(2, 1, 8, 0)], ["IDAT", deflateSync(Buffer.from([0, 10, 200]))]);
  assert.equal([...(await pixels(grey)).data], [10, 10, 10, 200, 200, 200]);
  assert.equal([...(await pixels(grey, { channels: 1 })).data], [10, 200]);
  assert.is((await pixels(imageFixture("jpeg-odd/grayscale_long.jpg"), { channels: "stored" })).channels, 1);
  const color = pngFile(
    ["IHDR", pngHeader(2, 1, 8, 2)],
    ["IDAT", deflateSync(Buffer.from([0, 255, 0, 0, 0, 255, 255]))],
  );
  assert.equal([...(await pixels(color, { channels: 1 })).data], [76, 179]);
});

test("bytes behind the end of an image are ignored", async () => {
  for (const path of ["png-suite/basn2c08.png", "jpeg-odd/restarts.jpg"]) {
    const tailed = Buffer.concat([imageFixture(path), Buffer.from("appended by a camera")]);
    assert.equal(await pixels(tailed), await pixels(imageFixture(path)), path);
  }
});

test("a file cut off anywhere is refused", async () => {
  for (const path of [
    "png-suite/basi3p02.png",
    "jpeg-size/jpg-size-3x3.jpg",
    "jpeg-odd/jpg-progressive.jpg",
    "webp/dark.webp",
    "webp/lossless_indexed_2bit_palette.webp",
  ]) {
    const whole = imageFixture(path);
    for (let length = 0; length < whole.length; length++) await refusal(whole.subarray(0, length));
    assert.ok(await pixels(whole));
  }
});

test("after any change of bytes an image is decoded or refused, and nothing else happens", async () => {
  for (const path of [
    "jpeg-size/jpg-size-9x9.jpg",
    "png-suite/basi3p02.png",
    "jpeg-odd/jpg-progressive.jpg",
    "exif/exif-grid-test_7.jpg",
    "webp/dark.webp",
    "webp/lossless_indexed_2bit_palette.webp",
    "webp/imgrs-lossy_alpha.webp",
  ]) {
    const valid = imageFixture(path);
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const file = valid.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          const { width, height, channels, data } = await pixels(file, { maxPixels: 1_000_000 });
          assert.is(data.length, width * height * channels);
        } catch (error) {
          assert.instance(error, DataError);
        }
      }),
      { numRuns: 400 },
    );
  }
});

test("the first bytes tell the format, and a name that says otherwise is noted", async () => {
  const jpeg = await decode(imageFixture("derived/jpeg-named.png"), { path: "a/b.png" });
  assert.is(jpeg.format, "jpeg");
  assert.is(jpeg.note, "a/b.png: is JPEG although its name ends in .png; read as JPEG.");
  assert.equal(jpeg.image, await pixels(imageFixture("jpeg-odd/hopper.jpg")));
  const webp = await decode(imageFixture("webp/dark.webp"), { path: "a.jpg" });
  assert.equal([webp.format, webp.note], ["webp", "a.jpg: is WebP although its name ends in .jpg; read as WebP."]);
  const png = await decode(imageFixture("png-suite/basn2c08.png"), { path: "photo.JPG" });
  assert.is(png.format, "png");
  assert.match(png.note!, /is PNG although its name ends in \.JPG|is PNG although its name ends in \.jpg/);
  assert.is((await decode(imageFixture("jpeg-odd/hopper.jpg"), { path: "a.jpeg" })).note, null);
  assert.is((await decode(imageFixture("jpeg-odd/hopper.jpg"), { path: "v1.2" })).note, null);
});

test("what is no JPEG, PNG or WebP file is named", async () => {
  assert.match(await refusal(Buffer.from("GIF89a")), /is GIF, not supported/);
  assert.match(await refusal(Buffer.from("  \n<!DOCTYPE html><title>404")), /is an HTML page/);
  assert.match(await refusal(Buffer.from("<svg xmlns=''>")), /is XML or SVG/);
  assert.match(await refusal(Buffer.from("\0\0\0 ftypavif")), /is AVIF or HEIF/);
  assert.match(await refusal(new Uint8Array()), /is empty \(0 bytes\)/);
  assert.match(await refusal(Buffer.from([1, 2, 3])), /starts with 01 02 03/);
});
