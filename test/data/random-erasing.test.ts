import * as assert from "uvu/assert";
import { drawErasedWindow, eraseWindow } from "../../src/data/random-erasing.js";
import { init } from "../../src/runtime/context.js";
import { full } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

await init();

const size = { height: 32, width: 40 };
const windows = Array.from({ length: 3000 }, (_, i) => drawErasedWindow(new Rng(2, i), size, 0.25));

test("a quarter of the images lose a rectangle inside of them, of 2 to 33 % and every aspect in between", () => {
  const drawn = windows.filter((window) => window !== null);
  assert.ok(Math.abs(drawn.length / windows.length - 0.25) < 0.03);
  for (const { top, left, height, width } of drawn) {
    assert.ok(top >= 0 && left >= 0 && top + height <= 32 && left + width <= 40 && height < 32 && width < 40);
    const share = (height * width) / (32 * 40);
    assert.ok(share > 0.015 && share < 0.36, String(share)); // sides are rounded
  }
  assert.ok(
    drawn.some(({ height, width }) => height > 2 * width) && drawn.some(({ height, width }) => width > 2 * height),
  );
  assert.ok(drawn.some(({ top, height }) => top + height === 32) && drawn.some(({ left }) => left === 0));
});

test("probability 0 erases nothing, and 1 always something", () => {
  assert.is(drawErasedWindow(new Rng(1), size, 0), null);
  assert.ok(drawErasedWindow(new Rng(1), size, 1));
});

test("every pixel of every channel gets a normal number of its own; the others stay", () => {
  const image = full([2, 30, 40], 5);
  const window = { top: 3, left: 4, height: 20, width: 30 };
  eraseWindow(new Rng(9), image.ptr, { channels: 2, height: 30, width: 40 }, window);
  const values = image.toArray();
  const inside = [...values].filter((_, i) => {
    const [row, col] = [Math.floor(i / 40) % 30, i % 40];
    return row >= 3 && row < 23 && col >= 4 && col < 34;
  });
  assert.is(values.filter((value) => value === 5).length, 2 * (30 * 40 - 20 * 30));
  assert.is(new Set(inside).size, 2 * 20 * 30);
  const mean = inside.reduce((sum, x) => sum + x, 0) / inside.length;
  const variance = inside.reduce((sum, x) => sum + x * x, 0) / inside.length;
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(variance - 1) < 0.15, `${mean} ${variance}`);
});
