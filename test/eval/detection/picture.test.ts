import * as assert from "uvu/assert";
import { boxSheet, CLASS_COLORS } from "../../../src/eval/detection/picture.js";
import { test } from "../../support/test.js";

const grey = (width: number, height: number) => ({
  ...{ width, height, channels: 3 },
  data: new Uint8Array(3 * width * height).fill(9),
});

test("boxes have edges in the colour of their class, what is there in white, and images stay as they are", () => {
  const image = grey(20, 16);
  const sheet = boxSheet(
    [
      { image, truth: [[2, 2, 12, 12]], found: [{ box: [3, 3, 14, 13], label: 8 }] },
      { image: grey(10, 10), truth: [], found: [] },
      { image: grey(4, 4), truth: [], found: [{ box: [-5, -5, 50, 50], label: 0 }] },
    ],
    2,
  );
  assert.equal([sheet.width, sheet.height, sheet.data.length], [40, 32, 3 * 40 * 32]);
  const at = (x: number, y: number) => [...sheet.data.subarray(3 * (40 * y + x), 3 * (40 * y + x) + 3)];
  assert.equal(at(2, 2), [255, 255, 255]);
  assert.equal(at(13, 5), [...CLASS_COLORS[1][1]]); // the ninth class takes the second colour again
  assert.equal(at(7, 7), [9, 9, 9], "inside nothing is drawn");
  assert.equal(at(22, 2), [9, 9, 9]);
  assert.equal(at(35, 2), [0, 0, 0], "beside a smaller image it is black");
  assert.equal(at(3, 19), [...CLASS_COLORS[0][1]], "a box beyond the image is cut");
  assert.ok(image.data.every((value) => value === 9));
});
