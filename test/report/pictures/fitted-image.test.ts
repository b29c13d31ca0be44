import * as assert from "uvu/assert";
import { fittedImage } from "../../../src/report/pictures/fitted-image.js";
import { init, memory } from "../../../src/runtime/context.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";

await init();
const sizeOf = (width: number, height: number) => {
  const image = { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(77) };
  const fitted = fittedImage(image, 40);
  assert.ok(fitted.data.length === fitted.width * fitted.height * 3 && fitted.data.every((value) => value === 77));
  return [fitted.width, fitted.height];
};

test("the longer side gets the wanted pixels, the other keeps the aspect and at least one", () => {
  assert.equal(
    [sizeOf(80, 20), sizeOf(20, 80), sizeOf(10, 10), sizeOf(1, 500)],
    [
      [40, 10],
      [10, 40],
      [40, 40],
      [1, 40],
    ],
  );
});

test("an image of that size stays as it is, grey becomes colour, and no memory stays behind", () => {
  const before = memory().persistentBytes;
  assert.equal(fittedImage(squareImage(1), 16), squareImage(1));
  const grey = { width: 2, height: 1, channels: 1, data: Uint8Array.of(5, 9) };
  assert.equal([...fittedImage(grey, 2).data], [5, 5, 5, 9, 9, 9]);
  assert.is(memory().persistentBytes, before);
});
