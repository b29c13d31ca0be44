import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { ImageBatcher } from "../../../src/eval/detection/image-batch.js";
import { wholeView } from "../../../src/eval/detection/view.js";
import { init } from "../../../src/runtime/context.js";
import { noiseImage } from "../../support/image-bytes.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();
const { spec } = tinyEncoder();

test("images stand normalised in the upper left corner, the mean fills up to a multiple", () => {
  const batcher = new ImageBatcher(spec);
  const images = [noiseImage({ width: 9, height: 6, seed: 1 }), noiseImage({ width: 5, height: 5, seed: 2 })];
  step(() => {
    const shown = images.map((image) => ({ image, view: wholeView(image, Math.min(image.width, image.height)) }));
    const batch = batcher.batch(shown, 4);
    assert.equal(batch.shape, [2, 3, 8, 12]);
    const values = batch.toArray();
    images.forEach(({ width, height, data }, i) => {
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < 8; y++) {
          for (let x = 0; x < 12; x++) {
            const inside = x < width && y < height;
            const expected = inside ? (data[3 * (y * width + x) + c] / 255 - spec.mean[c]) / spec.std[c] : 0;
            const value = values[((i * 3 + c) * 8 + y) * 12 + x];
            assert.ok(Math.abs(value - expected) < 1e-5, `image ${i}, channel ${c}, ${x} ${y}: ${value}, ${expected}`);
          }
        }
      }
    });
  });
  batcher.dispose();
});

test("a mirrored window shows its pixels from right to left", () => {
  const batcher = new ImageBatcher(spec);
  const image = noiseImage({ width: 8, height: 8 });
  const window = { top: 2, left: 3, height: 4, width: 4 };
  step(() => {
    const whole = batcher.batch([{ image, view: wholeView(image, 8) }], 4);
    const part = batcher.batch([{ image, view: { window, flip: true, height: 4, width: 4 } }], 4);
    const expected = whole.narrow(2, 2, 4).narrow(3, 3, 4).toArray();
    const actual = part.toArray();
    for (let row = 0; row < 12; row++)
      for (let x = 0; x < 4; x++) assert.is(actual[4 * row + x], expected[4 * row + 3 - x]);
  });
  batcher.dispose();
});
