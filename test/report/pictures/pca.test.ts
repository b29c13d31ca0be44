import * as assert from "uvu/assert";
import type { RawImage } from "../../../src/data/dataset.js";
import type { Encoder } from "../../../src/models/encoder.js";
import { patchComponents, pcaPicture } from "../../../src/report/pictures/pca.js";
import { TileLayout } from "../../../src/report/pictures/tile-sheet.js";
import { init, memory } from "../../../src/runtime/context.js";
import { asEncoder, emptyVit } from "../../support/pointing-vit.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";
import { tinyResnet } from "../../support/tiny-families.js";

await init();

/** Patch features are the patch's mean red, green and blue, normalised; `sign` turns all of them round. */
function colorEncoder(sign = 1): Encoder {
  const vit = emptyVit();
  const { weight } = vit.patch_embed.proj;
  weight.write(
    Array.from({ length: weight.numel }, (_, i) => (Math.floor(i / 48) === Math.floor((i % 48) / 16) ? 1 / 16 : 0)),
  );
  vit.norm.weight.write(Array(8).fill(sign));
  return asEncoder(vit);
}

/** Dark, with a patch-aligned rectangle of the given colour in the middle four patches or the given ones. */
function thing(color: readonly [number, number, number], patches: readonly number[] = [5, 6, 9, 10]): RawImage {
  const data = new Uint8Array(16 * 16 * 3).fill(10);
  for (let pixel = 0; pixel < 256; pixel++) {
    const patch = Math.floor(pixel / 64) * 4 + Math.floor((pixel % 16) / 4);
    if (patches.includes(patch)) data.set(color, 3 * pixel);
  }
  return { width: 16, height: 16, channels: 3, data };
}

const colors = [
  [250, 200, 90],
  [240, 210, 70],
  [255, 190, 40],
  [230, 180, 120],
] as const;
const images = colors.map((color) => thing(color));

const foregroundOf = (values: Float32Array) => [...Array(16).keys()].filter((patch) => values[3 * patch] > 0);

test("what lies in the middle is foreground, in every image", () => {
  const { grid, components, ofForeground } = patchComponents(colorEncoder(), images);
  assert.is(grid, 4);
  assert.is(components.length, 4);
  for (const values of components) assert.equal(foregroundOf(values), [5, 6, 9, 10]);
  assert.ok(ofForeground);
});

test("the sign of the first component is no accident: all features turned round give the same foreground", () => {
  const [plain, turned] = [1, -1].map((sign) => patchComponents(colorEncoder(sign), images));
  turned.components.forEach((values, i) => {
    values.forEach((value, at) => {
      if (at % 3 === 0) assert.ok(Math.abs(value - plain.components[i][at]) < 1e-4);
    });
  });
});

test("foreground is a matter of the borders, not of brightness", () => {
  const inverted = images.map((image) => ({ ...image, data: image.data.map((value) => 255 - value) }));
  for (const values of patchComponents(colorEncoder(), inverted).components)
    assert.equal(foregroundOf(values), [5, 6, 9, 10]);
});

test("components have mean zero over all patches, and the first varies most", () => {
  const { components } = patchComponents(
    tinyEncoder(),
    [0, 1, 2].map((i) => squareImage(i)),
  );
  const variance = [0, 1, 2].map((c) => {
    const values = components.flatMap((image) => [...image].filter((_, at) => at % 3 === c));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    assert.ok(Math.abs(mean) < 1e-4, `component ${c} has mean ${mean}`);
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  });
  assert.ok(variance[0] >= variance[1] && variance[1] >= variance[2] && variance[2] > 0, `${variance}`);
});

test("components that features do not have are zero", () => {
  const same = [thing(colors[0]), thing(colors[0])];
  const { components, ofForeground } = patchComponents(colorEncoder(), same);
  for (const values of components) for (let at = 0; at < values.length; at++) if (at % 3 > 0) assert.is(values[at], 0);
  assert.is(ofForeground, null);
});

test("in the picture the ground is dark where there is no foreground, and coloured where there is", () => {
  const side = 60;
  const { image, caption } = pcaPicture(colorEncoder(), images, { side });
  const rows = images.map((one) => Array(3).fill({ image: one }));
  const layout = new TileLayout({ headings: ["image"], rows, side });
  assert.equal([image.width, image.height], [layout.width, layout.height]);
  const middle = (row: number, column: number, patch: number) => {
    const { x, y } = layout.at(row, column);
    const [px, py] = [x + (patch % 4) * 15 + 7, y + Math.floor(patch / 4) * 15 + 7];
    return [...image.data.subarray((py * image.width + px) * 3, (py * image.width + px) * 3 + 3)];
  };
  for (let row = 0; row < 4; row++) {
    assert.equal(middle(row, 0, 5), [...colors[row]]);
    for (const patch of [0, 3, 7, 15]) assert.equal(middle(row, 2, patch), [24, 24, 24]);
  }
  assert.is(
    new Set([0, 1, 2, 3].map((row) => middle(row, 2, 5).join())).size > 1,
    true,
    "things of several colours differ",
  );
  assert.match(caption, /4 × 4 patches over 4 images \(8x1\)/);
});

test("other backbones have components too, and no memory stays behind", () => {
  const encoder = tinyResnet();
  const before = memory().persistentBytes;
  const { image } = pcaPicture(encoder, [squareImage(0, { side: 32 }), squareImage(1, { side: 32 })], { side: 32 });
  assert.ok(image.width > 0);
  assert.is(memory().persistentBytes, before);
});
