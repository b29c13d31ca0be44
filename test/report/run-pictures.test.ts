import { PNG } from "pngjs";
import * as assert from "uvu/assert";
import { imageArray } from "../../src/data/image-array.js";
import { DataError } from "../../src/errors.js";
import { type PictureOptions, runPictures } from "../../src/report/run-pictures.js";
import { init } from "../../src/runtime/context.js";
import { Trainer } from "../../src/train/trainer.js";
import { seeded } from "../support/kernels.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

const config = runConfig();
const trainer = new Trainer(config, squareSource(22));
const encoder = trainer.encoder();

const titles = ["Crops of the training", "Attention", "Features of patches", "Nearest neighbours"];

/** Pictures of a source, and the warnings. */
async function made(source: Parameters<typeof runPictures>[0]["source"], options: PictureOptions = {}) {
  const warnings: string[] = [];
  const pictures = await runPictures(
    { config, encoder, source },
    { ...options, onWarning: (message) => warnings.push(message) },
  );
  return { pictures, warnings };
}

/** Fewer images than a step takes. */
const few = await made(squareSource(3));

test("there are crops, attention, features and neighbours, each a PNG of its size with a caption", () => {
  const { pictures, warnings } = few;
  assert.equal(
    pictures.map(({ title }) => title),
    titles,
  );
  for (const { png, width, height, caption } of pictures) {
    const { width: w, height: h, data } = PNG.sync.read(Buffer.from(png));
    assert.equal([w, h], [width, height]);
    assert.ok(new Set(data).size > 20, "more than a plain area");
    assert.match(caption, /\.$/);
  }
  assert.equal(warnings, []);
});

test("the same images give the same pictures", async () => {
  assert.equal(await made(squareSource(3)), few);
});

test("one image has no neighbours: that picture is left out with a warning", async () => {
  const { pictures, warnings } = await made(squareSource(1));
  assert.equal(
    pictures.map(({ title }) => title),
    titles.slice(0, 3),
  );
  assert.is(warnings.length, 1);
  assert.match(warnings[0], /^report: Nearest neighbours cannot be shown: /);
});

test("pictures of images that cannot be compressed stay within their bytes", async () => {
  const next = seeded(1);
  const side = 128;
  const noise = Array.from({ length: 6 }, () => ({
    ...{ width: side, height: side, channels: 3 },
    data: Uint8Array.from({ length: side * side * 3 }, () => 256 * next()),
  }));
  const { pictures } = await made(imageArray(noise));
  const total = pictures.reduce((sum, { png }) => sum + png.length, 0);
  assert.ok(total <= 380_000 + 3 * 240_000, `${total} bytes`);
});

test("a source without a readable image is told", async () => {
  const broken = { ...squareSource(4), read: () => Promise.reject(new DataError("x: broken.")) };
  await made(broken).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /no image of .* can be read/),
  );
});
