import * as assert from "uvu/assert";
import { stretched, upsample } from "../../../src/report/pictures/grid-field.js";
import { close } from "../../support/close.js";
import { test } from "../../support/test.js";

test("between centres of patches a field is linear, outside of the outermost it is constant", () => {
  const pixels = upsample({ grid: 2, channels: 1, values: [0, 8, 16, 24] }, 4);
  close(pixels, [0, 2, 6, 8, 4, 6, 10, 12, 12, 14, 18, 20, 16, 18, 22, 24], 1e-6, "pixel");
});

test("with an odd number of pixels for a patch its centre keeps its value, channel by channel", () => {
  const values = [1, 5, 2, 7, 3, 8, 4, 6];
  const pixels = upsample({ grid: 2, channels: 2, values }, 6);
  const at = (y: number, x: number) => [...pixels.subarray((y * 6 + x) * 2, (y * 6 + x) * 2 + 2)];
  assert.equal(
    [at(1, 1), at(1, 4), at(4, 1), at(4, 4)],
    [
      [1, 5],
      [2, 7],
      [3, 8],
      [4, 6],
    ],
  );
});

test("a single patch is the same everywhere", () => {
  assert.equal([...upsample({ grid: 1, channels: 1, values: [3] }, 2)], [3, 3, 3, 3]);
});

test("values are stretched from 0 to 1; equal ones are 0", () => {
  assert.equal([...stretched(Float32Array.of(2, 6, 4))], [0, 1, 0.5]);
  assert.equal([...stretched(Float32Array.of(5, 5))], [0, 0]);
});
