import * as assert from "uvu/assert";
import { exifOrientation, turnUpright } from "../../src/data/exif.js";
import { test } from "../support/test.js";

test("each orientation turns the image as the standard says", () => {
  const image = { width: 3, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const upright: Record<number, [number, number, number[]]> = {
    1: [3, 2, [1, 2, 3, 4, 5, 6]],
    2: [3, 2, [3, 2, 1, 6, 5, 4]],
    3: [3, 2, [6, 5, 4, 3, 2, 1]],
    4: [3, 2, [4, 5, 6, 1, 2, 3]],
    5: [2, 3, [1, 4, 2, 5, 3, 6]],
    6: [2, 3, [4, 1, 5, 2, 6, 3]],
    7: [2, 3, [6, 3, 5, 2, 4, 1]],
    8: [2, 3, [3, 6, 2, 5, 1, 4]],
  };
  for (const [orientation, [width, height, data]] of Object.entries(upright)) {
    assert.equal(
      turnUpright(image, Number(orientation)),
      { width, height, channels: 1, data: Uint8Array.from(data) },
      orientation,
    );
  }
  const color = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  assert.equal([...turnUpright(color, 2).data], [4, 5, 6, 1, 2, 3]);
});

test("a malformed orientation is taken as upright, in either byte order", () => {
  const tiff = (mark: string, entry: number[]) => Uint8Array.from([...Buffer.from(mark), ...entry]);
  const little = [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
  const big = [0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];
  assert.is(exifOrientation(tiff("II", little)), 6);
  assert.is(exifOrientation(tiff("MM", big)), 6);
  const withByte = (at: number, byte: number) => little.map((value, i) => (i === at ? byte : value));
  assert.is(exifOrientation(tiff("XX", little)), 1);
  assert.is(exifOrientation(tiff("II", withByte(0, 43))), 1);
  assert.is(exifOrientation(tiff("II", withByte(2, 200))), 1); // directory outside
  assert.is(exifOrientation(tiff("II", withByte(16, 9))), 1); // no such orientation
  assert.is(exifOrientation(tiff("II", withByte(10, 2))), 1); // not a SHORT
  assert.is(exifOrientation(tiff("II", withByte(8, 0x13))), 1); // another tag only
  for (let length = 0; length < 20; length++) assert.is(exifOrientation(tiff("II", little).subarray(0, length)), 1);
});
