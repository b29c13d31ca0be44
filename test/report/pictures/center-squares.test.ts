import * as assert from "uvu/assert";
import { centerSquares } from "../../../src/report/pictures/center-squares.js";
import { init, memory } from "../../../src/runtime/context.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";

await init();

test("an image of the wanted size stays as it is, another loses what sticks out of the middle square", () => {
  const image = squareImage(1);
  assert.equal(centerSquares([image], 16)[0], image);
  const wide = { width: 4, height: 2, channels: 1, data: Uint8Array.of(9, 1, 2, 9, 9, 3, 4, 9) };
  assert.equal([...centerSquares([wide], 2)[0].data], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
});

test("squares of any size come out of images of any size, and no memory stays behind", () => {
  const before = memory().persistentBytes;
  const [square] = centerSquares([squareImage(1, { side: 20 })], 7);
  assert.equal([square.width, square.height, square.channels, square.data.length], [7, 7, 3, 147]);
  assert.is(memory().persistentBytes, before);
});
