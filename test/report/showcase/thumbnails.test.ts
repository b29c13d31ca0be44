import * as assert from "uvu/assert";
import { imageArray } from "../../../src/data/image-array.js";
import { DataError } from "../../../src/errors.js";
import { PER_SIDE, thumbnailsOf } from "../../../src/report/showcase/thumbnails.js";
import { init } from "../../../src/runtime/context.js";
import { test } from "../../support/test.js";

await init();

/** A square of one colour. */
const plain = (value: number, side = 30, channels = 3) => ({
  ...{ width: side, height: side, channels },
  data: new Uint8Array(side * side * channels).fill(value),
});

test("each picture stands at its place on its sheet, as large as the images", async () => {
  const images = Array.from({ length: 103 }, (_, i) => plain(i));
  const { indices, side, sheets } = await thumbnailsOf(imageArray(images));
  assert.equal([indices.length, side, sheets.length], [103, 30, 2]);
  assert.equal(
    sheets.map(({ width, height, channels }) => [width, height, channels]),
    [
      [300, 300, 3],
      [300, 30, 3],
    ],
  );
  for (const i of [0, 9, 10, 57, 102]) {
    const { width, data } = sheets[Math.floor(i / 100)];
    const [x, y] = [(i % PER_SIDE) * 30 + 29, Math.floor((i % 100) / PER_SIDE) * 30];
    assert.is(data[(y * width + x) * 3], i);
  }
});

test("sheets are grey where all images are, large images are made small, tiny ones are not", async () => {
  const { sheets } = await thumbnailsOf(imageArray([plain(7, 28, 1), plain(9, 28, 1)]));
  assert.equal([sheets[0].channels, sheets[0].data[0], sheets[0].data[28]], [1, 7, 9]);
  const mixed = await thumbnailsOf(imageArray([plain(7, 28, 1), plain(9, 28)]));
  assert.equal([...mixed.sheets[0].data.subarray(0, 3)], [7, 7, 7]);
  assert.is((await thumbnailsOf(imageArray([plain(1, 300)]))).side, 64);
  assert.is((await thumbnailsOf(imageArray([plain(1, 8)]))).side, 24);
});

test("broken images are left out, or end it; without any readable one nothing can be shown", async () => {
  const sound = imageArray([plain(1), plain(2), plain(3)]);
  const broken = (which: readonly number[]) => ({
    ...sound,
    read: (index: number) => {
      if (which.includes(index)) throw new DataError(`${index} is broken.`);
      return sound.read(index);
    },
  });
  const warnings: string[] = [];
  const { indices } = await thumbnailsOf(broken([1]), { onWarning: (text) => warnings.push(text) });
  assert.equal([[...indices], warnings], [[0, 2], ["1 is broken. Left out."]]);
  for (const [source, strict] of [
    [broken([1]), true],
    [broken([0, 1, 2]), false],
  ] as const) {
    const error = await thumbnailsOf(source, { strict }).then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.instance(error, DataError);
  }
});
