import * as assert from "uvu/assert";
import { imageFixture, means, pixels, refusal } from "../support/image-fixtures.js";
import { test } from "../support/test.js";

type Part = readonly [string, Uint8Array];

/** A WebP file of these parts. */
function webpFile(...parts: readonly Part[]): Uint8Array {
  const encoded = parts.map(([type, body]) => {
    const chunk = Buffer.alloc(8 + body.length + (body.length & 1));
    chunk.write(type, "latin1");
    chunk.writeUInt32LE(body.length, 4);
    chunk.set(body, 8);
    return chunk;
  });
  const content = Buffer.concat([Buffer.from("WEBP"), ...encoded]);
  const head = Buffer.from("RIFF\0\0\0\0", "latin1");
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

/** Body of a VP8X part. */
function canvas(width: number, height: number, flags = 0): Uint8Array {
  const body = Buffer.alloc(10);
  body[0] = flags;
  body.writeUIntLE(width - 1, 4, 3);
  body.writeUIntLE(height - 1, 7, 3);
  return body;
}

const ANIMATED = 2;

/** Body of an ANMF part that holds a lossy picture. */
function animationFrame(
  at: readonly [number, number],
  size: readonly [number, number],
  picture: Uint8Array,
): Uint8Array {
  const head = Buffer.alloc(16);
  head.writeUIntLE(at[0] / 2, 0, 3);
  head.writeUIntLE(at[1] / 2, 3, 3);
  head.writeUIntLE(size[0] - 1, 6, 3);
  head.writeUIntLE(size[1] - 1, 9, 3);
  return Buffer.concat([head, webpFile(["VP8 ", picture]).subarray(12)]);
}

const dot = imageFixture("webp/dark.webp").subarray(20); // the one part of a lossy file of one pixel, 200 194 190

function lossless(width: number, height: number): Uint8Array {
  const body = Buffer.alloc(16);
  body[0] = 0x2f;
  body.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  return body;
}

test("a lossy file without more and one with a canvas around the same picture are the same image", async () => {
  assert.equal([...(await pixels(webpFile(["VP8 ", dot]))).data], [200, 194, 190]);
  assert.equal(
    [...(await pixels(webpFile(["VP8X", canvas(1, 1)], ["ICCP", Buffer.alloc(3)], ["VP8 ", dot]))).data],
    [200, 194, 190],
  );
});

test("transparency is dropped or laid over white, as asked", async () => {
  const file = imageFixture("webp/transparent.webp");
  const [dropped, white] = [await pixels(file), await pixels(file, { alpha: "white" })];
  assert.equal([dropped.width, dropped.height, dropped.channels], [200, 150, 3]);
  assert.ok(Math.abs(means(white)[0] - 210.93) < 0.1, `${means(white)}`);
  assert.ok(white.data.every((sample, i) => sample >= dropped.data[i]));
  assert.ok(means(dropped)[0] < means(white)[0] - 1);
});

test("photographs stored in different orientations come out as the same picture", async () => {
  const reference = await pixels(imageFixture("exif-webp/hopper_orientation_2.webp"));
  for (const orientation of [6, 8]) {
    const { data } = await pixels(imageFixture(`exif-webp/hopper_orientation_${orientation}.webp`));
    const difference = data.reduce((sum, value, i) => sum + Math.abs(value - reference.data[i]), 0) / data.length;
    assert.ok(difference < 6, `${orientation}: ${difference}`); // each was compressed on its own
  }
});

test("an orientation is found with and without the marker of a JPEG segment before it", async () => {
  const tiff = Buffer.from("49492a00080000000100120103000100000006000000000000", "hex");
  const wide = imageFixture("webp/lossless_indexed_2bit_palette.webp").subarray(20, 20 + 629);
  for (const exif of [tiff, Buffer.concat([Buffer.from("Exif\0\0"), tiff])]) {
    const { width, height } = await pixels(webpFile(["VP8X", canvas(230, 128)], ["VP8L", wide], ["EXIF", exif]));
    assert.equal([width, height], [128, 230]);
  }
});

test("of an animation the first picture is taken, in its place on the canvas", async () => {
  const first = animationFrame([2, 0], [1, 1], dot);
  const file = webpFile(
    ["VP8X", canvas(4, 2, ANIMATED)],
    ["ANIM", Buffer.alloc(6)],
    ["ANMF", first],
    ["ANMF", Buffer.alloc(2)],
  );
  const image = await pixels(file);
  assert.equal([image.width, image.height], [4, 2]);
  assert.equal([...image.data], [0, 0, 0, 0, 0, 0, 200, 194, 190, ...new Array(15).fill(0)]);
  const white = await pixels(file, { alpha: "white" });
  assert.equal([...white.data.subarray(3, 12)], [255, 255, 255, 200, 194, 190, 255, 255, 255]);
});

test("a WebP header beyond what can be decoded is refused before decoding", async () => {
  assert.match(await refusal(webpFile(["VP8L", lossless(16384, 16384)])), /16384x16384 is more than 100000000 pixels/);
  assert.match(await refusal(webpFile(["VP8X", canvas(2 ** 24, 2 ** 24, ANIMATED)])), /16777216x16777216 is more than/);
  assert.match(
    await refusal(imageFixture("webp/hopper.webp"), { maxPixels: 128 * 128 - 1 }),
    /128x128 is more than 16383 pixels/,
  );
  const flat = Buffer.from(dot);
  flat.writeUInt16LE(0, 6);
  assert.match(await refusal(webpFile(["VP8 ", flat])), /size of 0x1/);
});

test("parts that contradict each other are refused with what is wrong", async () => {
  const cases: readonly (readonly [RegExp, Uint8Array])[] = [
    [/says 2x1, the picture 1x1/, webpFile(["VP8X", canvas(2, 1)], ["VP8 ", dot])],
    [/canvas is too short/, webpFile(["VP8X", Buffer.alloc(9)], ["VP8 ", dot])],
    [/holds no picture/, webpFile(["VP8X", canvas(1, 1)])],
    [/holds no picture/, webpFile()],
    [/animation without a picture/, webpFile(["VP8X", canvas(4, 2, ANIMATED)], ["VP8 ", dot])],
    [
      /does not fit its frame/,
      webpFile(["VP8X", canvas(4, 2, ANIMATED)], ["ANMF", animationFrame([4, 0], [1, 1], dot)]),
    ],
    [
      /does not fit its frame/,
      webpFile(["VP8X", canvas(4, 2, ANIMATED)], ["ANMF", animationFrame([0, 0], [2, 1], dot)]),
    ],
    [/does not start with its header/, webpFile(["VP8 ", Buffer.alloc(20)])],
    [/lossless WebP picture does not start/, webpFile(["VP8L", Buffer.alloc(20)])],
    [/is a WebP file, but its compressed data is damaged/, webpFile(["VP8L", lossless(100, 100)])],
    [/cut off/, imageFixture("derived/truncated-50pct.webp")],
  ];
  for (const [message, file] of cases) assert.match(await refusal(file), message);
});

test("a damaged picture leaves the next one as it was", async () => {
  const good = imageFixture("webp/hopper.webp");
  const before = await pixels(good);
  const damaged = good.slice();
  damaged.fill(0xff, 400, 1200);
  await pixels(damaged).catch(() => {});
  await refusal(webpFile(["VP8L", lossless(100, 100)]));
  assert.equal(await pixels(good), before);
});
