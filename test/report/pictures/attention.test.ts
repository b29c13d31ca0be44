import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { EvalTransform } from "../../../src/data/eval-transform.js";
import { ConfigError } from "../../../src/errors.js";
import type { Encoder } from "../../../src/models/encoder.js";
import { attentionMaps, attentionPicture } from "../../../src/report/pictures/attention.js";
import { TileLayout } from "../../../src/report/pictures/tile-sheet.js";
import { init, memory } from "../../../src/runtime/context.js";
import { pointingVit } from "../../support/pointing-vit.js";
import { refuses } from "../../support/refuses.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../../support/tiny-families.js";

await init();
const images = Array.from({ length: 11 }, (_, i) => squareImage(i, { side: 16 + (i % 3) }));

test("a class token that attends to one patch alone gives a map with that patch alone, head by head", () => {
  const [{ grid, maps }] = attentionMaps(pointingVit(5, 10), images.slice(0, 1));
  assert.is(grid, 4);
  assert.is(maps.length, 2);
  [5, 10].forEach((wanted, head) => {
    maps[head].forEach((share, patch) => {
      if (patch === wanted) assert.ok(share > 0.999 && share <= 1, `${share}`);
      else assert.ok(share < 1e-4);
    });
  });
});

test("in the picture that patch is lit, yellow in its middle, and patches far from it are not", () => {
  const side = 60; // patches of 15 pixels, so that one pixel is the middle
  const grey = { width: 16, height: 16, channels: 3, data: new Uint8Array(16 * 16 * 3).fill(100) };
  const { image, caption } = attentionPicture(pointingVit(5, 10), [grey], { side });
  const layout = new TileLayout({ headings: ["image"], rows: [Array(4).fill({ image: grey })], side });
  assert.equal([image.width, image.height], [layout.width, layout.height]);
  const middle = (column: number, patch: number) => {
    const { x, y } = layout.at(0, column);
    const [px, py] = [x + (patch % 4) * 15 + 7, y + Math.floor(patch / 4) * 15 + 7];
    return [...image.data.subarray((py * image.width + px) * 3, (py * image.width + px) * 3 + 3)];
  };
  const lit = [253, 231, 37].map((c) => Math.round(80 + 0.85 * (c - 80)));
  const dark = [68, 1, 84].map((c) => Math.round(80 + 0.35 * (c - 80)));
  for (let patch = 0; patch < 16; patch++) {
    assert.equal(middle(0, patch), [100, 100, 100], "the image itself");
    const expected = [patch === 5 || patch === 10 ? lit : dark, patch === 5 ? lit : dark, patch === 10 ? lit : dark];
    expected.forEach((wanted, i) => {
      const got = middle(1 + i, patch);
      const difference = Math.max(...got.map((value, c) => Math.abs(value - wanted[c])));
      assert.ok(difference <= 1, `patch ${patch}: ${got}, not ${wanted}`);
    });
  }
  assert.match(caption, /class token to 4 × 4 patches .* of 8x1: the mean of its 2 heads/);
});

test("maps depend on their image alone, whatever stands beside it and across batches", () => {
  const encoder = tinyEncoder();
  const together = attentionMaps(encoder, images);
  assert.is(together.length, images.length);
  for (const i of [0, 7, 8, 10]) assert.equal(attentionMaps(encoder, [images[i]])[0], together[i]);
});

test("the encoder may see images larger than in training, in whole patches", () => {
  const [{ grid, maps }] = attentionMaps(tinyEncoder(), images.slice(0, 1), { resolution: 32 });
  assert.equal([grid, maps.length, maps[0].length], [8, 2, 64]);
  refuses(() => attentionMaps(tinyEncoder(), images, { resolution: 18 }), ConfigError, "expected a multiple of 4");
});

/** Cosine of each cell of the last map with the image's feature, written out. */
function cosines({ backbone, spec }: Encoder): number[] {
  const { channels, mean, std } = spec;
  const transform = new EvalTransform({ geometry: { kind: "crop", shortSide: 32, size: 32 }, channels, mean, std });
  const batch = transform.allocate(1);
  transform.write([images[1]], batch);
  const [{ classToken, patchTokens }] = step(() => backbone.intermediate(batch, [3]));
  const [pooled, cells] = [classToken.toArray(), patchTokens.toArray()];
  const width = pooled.length;
  return Array.from({ length: cells.length / width }, (_, n) => {
    const cell = [...cells.subarray(n * width, (n + 1) * width)];
    const dot = cell.reduce((sum, value, c) => sum + value * pooled[c], 0);
    return dot / (Math.hypot(...cell) * Math.hypot(...pooled));
  });
}

test("Swin and ResNet have one map, the cosine similarity of cells with the feature, and the caption says so", () => {
  for (const [family, encoder] of [
    ["Swin", tinySwin()],
    ["ResNet", tinyResnet()],
  ] as const) {
    const expected = cosines(encoder);
    const [{ grid, maps }] = attentionMaps(encoder, [images[1]]);
    assert.is(maps.length, 1);
    assert.is(grid * grid, expected.length);
    maps[0].forEach((value, n) => {
      assert.ok(Math.abs(value - expected[n]) < 1e-5, `${family} cell ${n}: ${value}, expected ${expected[n]}`);
    });
    assert.match(attentionPicture(encoder, [images[1]]).caption, new RegExp(`^A ${family} has no class token`));
  }
});

test("no memory stays behind", () => {
  const encoder = tinyEncoder();
  const before = memory().persistentBytes;
  attentionPicture(encoder, images);
  assert.is(memory().persistentBytes, before);
});
