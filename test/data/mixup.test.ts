import * as assert from "uvu/assert";
import { coveredWindow, drawMix, mixImages, mixTargets } from "../../src/data/mixup.js";
import { ShapeError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const size = { height: 8, width: 10 };
const drawn = (policy: { mixup: number; cutmix: number }, count = 2000) =>
  Array.from({ length: count }, (_, i) => drawMix(new Rng(6, i), policy, size));

test("a box has the size and place worked out by hand, cut at the border", () => {
  // √(1 − 0.75) = ½: 4 × 5 pixels, of which halves of 2 lie on either side.
  assert.equal(coveredWindow(0.75, size, { row: 4, column: 5 }), { top: 2, left: 3, height: 4, width: 4 });
  assert.equal(coveredWindow(0.75, size, { row: 0, column: 9 }), { top: 0, left: 7, height: 2, width: 3 });
  assert.equal(coveredWindow(0, size, { row: 4, column: 5 }), { top: 0, left: 0, height: 8, width: 10 });
  assert.equal(coveredWindow(1, size, { row: 4, column: 5 }), { top: 4, left: 5, height: 0, width: 0 });
});

test("the share is corrected to the pixels that are covered", () => {
  for (const { lambda, window } of drawn({ mixup: 0, cutmix: 1 }, 300)) {
    assert.ok(window);
    assert.is(lambda, 1 - (window!.height * window!.width) / 80);
  }
});

test("with both on each is taken for half of the batches; one alone always; none leaves images whole", () => {
  const covered = drawn({ mixup: 0.8, cutmix: 1 }).filter(({ window }) => window).length;
  assert.ok(Math.abs(covered - 1000) < 100, String(covered));
  assert.ok(drawn({ mixup: 0.8, cutmix: 0 }).every(({ window }) => window === null));
  assert.equal(drawMix(new Rng(1), { mixup: 0, cutmix: 0 }, size), { lambda: 1, window: null });
});

test("shares of mixup are those of the Beta distribution", () => {
  const shares = drawn({ mixup: 0.8, cutmix: 0 }).map(({ lambda }) => lambda);
  const mean = shares.reduce((sum, x) => sum + x, 0) / shares.length;
  const variance = shares.reduce((sum, x) => sum + (x - 0.5) ** 2, 0) / shares.length;
  assert.ok(Math.abs(mean - 0.5) < 0.03 && Math.abs(variance - 1 / (4 * 2.6)) < 0.01, `${mean} ${variance}`);
});

/** Three images of one channel and 2 × 2 pixels. */
const batch = () => fromArray([1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400], [3, 1, 2, 2]);

test("mixup blends each image with its opposite; the middle one stays", () => {
  const images = batch();
  mixImages(images, { lambda: 0.75, window: null });
  const expected = [25.75, 51.5, 77.25, 103, 10, 20, 30, 40, 75.25, 150.5, 225.75, 301];
  assert.equal([...images.toArray()], expected);
});

test("CutMix swaps the pixels of the box in every channel, and no others", () => {
  const images = batch();
  mixImages(images, { lambda: 0.5, window: { top: 1, left: 0, height: 1, width: 2 } });
  assert.equal([...images.toArray()], [1, 2, 300, 400, 10, 20, 30, 40, 100, 200, 3, 4]);
  const channels = fromArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1, 2]);
  mixImages(channels, { lambda: 0.5, window: { top: 0, left: 1, height: 1, width: 1 } });
  assert.equal([...channels.toArray()], [1, 6, 3, 8, 5, 2, 7, 4]);
});

test("a share of 1 changes nothing, and a batch of another shape is refused", () => {
  const images = batch();
  mixImages(images, { lambda: 1, window: null });
  assert.equal(images.toArray(), batch().toArray());
  refuses(
    () => mixImages(images.reshape([3, 4]), { lambda: 0.5, window: null }),
    ShapeError,
    "expected a dense [B, C, H, W]",
  );
});

test("targets are both labels by their shares, smoothed", () => {
  const targets = mixTargets(Int32Array.of(0, 1, 3), { lambda: 0.75, window: null }, { classes: 4, smoothing: 0.2 });
  const near = (row: number, expected: number[]) =>
    expected.forEach((value, k) => {
      assert.ok(Math.abs(targets[4 * row + k] - value) < 1e-6, `${row} ${k}`);
    });
  near(0, [0.05 + 0.6, 0.05, 0.05, 0.05 + 0.2]);
  near(1, [0.05, 0.85, 0.05, 0.05]);
  near(2, [0.05 + 0.2, 0.05, 0.05, 0.05 + 0.6]);
  const plain = mixTargets(Int32Array.of(1, 0), { lambda: 1, window: null }, { classes: 2, smoothing: 0 });
  assert.equal([...plain], [0, 1, 1, 0]);
});
