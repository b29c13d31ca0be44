import { deflateSync } from "node:zlib";
import * as assert from "uvu/assert";
import { decodeLabelPng } from "../../src/data/decode-label-png.js";
import { DataError } from "../../src/errors.js";
import { pngFile, pngHeader } from "../support/image-fixtures.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const rows = (...bytes: number[]): readonly [string, Uint8Array] => ["IDAT", deflateSync(Uint8Array.from(bytes))];
const decoded = (file: Uint8Array) => [...decodeLabelPng(file, "m.png", 1e6).data];

test("grey values come as they are stored, of any depth", () => {
  assert.equal(decoded(pngFile(["IHDR", pngHeader(3, 1, 8, 0)], rows(0, 0, 7, 255))), [0, 7, 255]);
  assert.equal(decoded(pngFile(["IHDR", pngHeader(4, 1, 2, 0)], rows(0, 0b00011011))), [0, 1, 2, 3]);
  assert.equal(decoded(pngFile(["IHDR", pngHeader(8, 1, 1, 0)], rows(0, 0b10010001))), [1, 0, 0, 1, 0, 0, 0, 1]);
  assert.equal(decoded(pngFile(["IHDR", pngHeader(2, 1, 16, 0)], rows(0, 1, 44, 0, 3))), [300, 3]);
  assert.equal(decoded(pngFile(["IHDR", pngHeader(2, 1, 8, 4)], rows(0, 9, 0, 8, 255))), [9, 8]);
});

test("of a palette the numbers count, not the colours", () => {
  const colours: readonly [string, Uint8Array] = ["PLTE", Uint8Array.of(0, 0, 0, 128, 0, 0, 0, 128, 0, 9, 9, 9)];
  assert.equal(decoded(pngFile(["IHDR", pngHeader(4, 1, 8, 3)], colours, rows(0, 3, 0, 2, 1))), [3, 0, 2, 1]);
  assert.equal(decoded(pngFile(["IHDR", pngHeader(4, 1, 2, 3)], colours, rows(0, 0b11000110))), [3, 0, 1, 2]);
  const clear: readonly [string, Uint8Array] = ["tRNS", Uint8Array.of(0, 0)];
  assert.equal(decoded(pngFile(["IHDR", pngHeader(2, 1, 8, 3)], colours, clear, rows(0, 1, 2))), [1, 2]);
});

test("masks have the rows and columns of their file", () => {
  const { width, height, data } = decodeLabelPng(
    pngFile(["IHDR", pngHeader(2, 3, 8, 0)], rows(0, 1, 2, 0, 3, 4, 0, 5, 6)),
    "m.png",
    6,
  );
  assert.equal([width, height, ...data], [2, 3, 1, 2, 3, 4, 5, 6]);
});

test("masks in colours, damaged or too large are refused by their name", () => {
  const rgb = pngFile(["IHDR", pngHeader(1, 1, 8, 2)], rows(0, 1, 2, 3));
  refuses(
    () => decodeLabelPng(rgb, "m.png", 10),
    DataError,
    "m.png: the mask is in colours (RGB), expected a grey or palette",
  );
  const short = pngFile(["IHDR", pngHeader(3, 1, 8, 0)], rows(0, 1));
  refuses(() => decodeLabelPng(short, "m.png", 10), DataError, "m.png: the PNG data holds 2 of 4 bytes");
  const large = pngFile(["IHDR", pngHeader(4, 4, 8, 0)], rows(0));
  refuses(() => decodeLabelPng(large, "m.png", 15), DataError, "m.png: 4x4 is more than 15 pixels");
});
