import * as assert from "uvu/assert";
import type { RawImage } from "../../../src/data/dataset.js";
import { contactSheet } from "../../../src/report/pictures/contact-sheet.js";
import { drawCrops } from "../../../src/report/pictures/drawn-crops.js";
import { GAP, LINE, MARGIN } from "../../../src/report/pictures/tile-sheet.js";
import { init } from "../../../src/runtime/context.js";
import { runConfig, squareSource } from "../../support/square-run.js";
import { test } from "../../support/test.js";

await init();
const source = squareSource(8, 24);
const SCALE = 9; // 16 pixels become 144

const pixel = ({ width, data }: RawImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** Compares an image, magnified, with what stands at a place of a sheet, but for places that `skip` names. */
function expectAt(sheet: RawImage, image: RawImage, x: number, y: number, skip = (_x: number, _y: number) => false) {
  for (let dy = 0; dy < image.height * SCALE; dy += 4) {
    for (let dx = 0; dx < image.width * SCALE; dx += 4) {
      const [column, row] = [Math.floor(dx / SCALE), Math.floor(dy / SCALE)];
      if (!skip(column, row))
        assert.equal(pixel(sheet, x + dx, y + dy), pixel(image, column, row), `${column}, ${row}`);
    }
  }
}

test("a sheet shows the crops of training pixel by pixel, global ones first, masked patches under blue", async () => {
  const config = runConfig();
  const options = { iteration: 2, images: 3 };
  const { image: sheet, caption } = await contactSheet(config, source, options);
  const drawn = await drawCrops(config, source, options);
  const step = 16 * SCALE + GAP;
  let masked = 0;
  drawn.forEach(({ globals, locals }, row) => {
    const y = MARGIN + LINE + row * (2 * 8 * SCALE + GAP + LINE + GAP);
    globals.forEach(({ image, mask }, crop) => {
      const x = MARGIN + (crop + 1) * step;
      const isMasked = (column: number, line: number) =>
        mask?.[Math.floor(line / 4) * 4 + Math.floor(column / 4)] === 1;
      expectAt(sheet, image, x, y, isMasked);
      if (mask) masked++;
      for (let line = 0; line < 16; line++) {
        for (let column = 0; column < 16; column++) {
          if (!isMasked(column, line)) continue;
          const covered = pixel(sheet, x + column * SCALE + 2, y + line * SCALE + 2);
          assert.equal(
            covered,
            pixel(image, column, line).map((value, c) => value + Math.round(0.78 * ([62, 72, 132][c] - value))),
          );
        }
      }
    });
    locals.forEach((image, crop) => {
      expectAt(sheet, image, MARGIN + 3 * step + GAP, y + crop * (8 * SCALE + GAP));
    });
  });
  assert.ok(masked > 0);
  assert.match(caption, /^Step 2, seed 0: 3 images, each with two global crops of 16 pixels and 2 local ones of 8\./);
  assert.match(caption, new RegExp(`in ${masked} of the 6 global crops shown; training masks from step 2 on`));
});

test("without local crops the sheet ends after the global ones", async () => {
  const { image, caption } = await contactSheet(runConfig("crops.local_crops_number=0"), source, { images: 1 });
  assert.is(image.width, 2 * MARGIN + 3 * (16 * SCALE + GAP) - GAP);
  assert.not.match(caption, /local/);
});
