import * as assert from "uvu/assert";
import { Canvas } from "../../../src/report/pictures/canvas.js";
import { test } from "../../support/test.js";

const RED = [255, 0, 0] as const;

/** One letter per pixel: what is not background. */
function marks(canvas: Canvas): string[] {
  return Array.from({ length: canvas.height }, (_, y) =>
    Array.from({ length: canvas.width }, (_, x) =>
      canvas.data[(y * canvas.width + x) * 3 + 1] === 255 ? "." : "#",
    ).join(""),
  );
}

test("a box is filled within the canvas and nothing is written beside it", () => {
  const canvas = new Canvas(5, 3);
  canvas.fill({ x: 3, y: -1, width: 9, height: 3 }, RED);
  assert.equal(marks(canvas), ["...##", "...##", "....."]);
  assert.equal([...canvas.data.subarray(9, 12)], [255, 0, 0]);
});

test("an image is copied pixel by pixel, magnified by a whole number, and cut at the edges", () => {
  const image = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const canvas = new Canvas(3, 2);
  canvas.draw(image, { x: 1, y: 0, scale: 2 });
  const row = [255, 255, 255, 1, 2, 3, 1, 2, 3];
  assert.equal([...canvas.data], [...row, ...row]);
  const left = new Canvas(2, 1);
  left.draw(image, { x: -1, y: 0 });
  assert.equal([...left.data], [4, 5, 6, 255, 255, 255]);
});

test("a grey image becomes red, green and blue alike", () => {
  const canvas = new Canvas(1, 1);
  canvas.draw({ width: 1, height: 1, channels: 1, data: Uint8Array.of(7) }, { x: 0, y: 0 });
  assert.equal([...canvas.data], [7, 7, 7]);
});

test("a frame lies around its box and leaves it untouched", () => {
  const canvas = new Canvas(5, 4);
  canvas.frame({ x: 1, y: 1, width: 2, height: 2 }, RED, 1);
  assert.equal(marks(canvas), ["####.", "#..#.", "#..#.", "####."]);
});

test("text is drawn in the small font, magnified", () => {
  const canvas = new Canvas(6, 16);
  canvas.text("l", { x: 2, y: 0, scale: 2 }, RED);
  assert.equal(marks(canvas), [...Array(12).fill("..##.."), "....##", "....##", "......", "......"]);
});
