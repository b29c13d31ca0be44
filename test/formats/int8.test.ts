import * as assert from "uvu/assert";
import { roundRows, valuesOf } from "../../src/formats/int8.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

test("each row has its own scale, halves go to even, and zeros stay zeros", () => {
  const { data, scales } = roundRows(Float32Array.of(127, 2.5, -3.5, 0.4, 0, 0, 0, 0, -254, 2, 1, 3), 3);
  assert.equal([...scales], [1, 0, 2]);
  assert.equal([...data], [127, 2, -4, 0, 0, 0, 0, 0, -127, 1, 0, 2]);
  assert.equal([...valuesOf({ data, scales })], [127, 2, -4, 0, 0, 0, 0, 0, -254, 2, 0, 4]);
});

test("what comes back is off by half a scale at most, and rounds to the same whole numbers again", () => {
  const rng = new Rng(3);
  const values = Float32Array.from({ length: 40 * 37 }, (_, i) => rng.normal() * 10 ** (Math.floor(i / 37) % 9));
  const rounded = roundRows(values, 40);
  const back = valuesOf(rounded);
  back.forEach((value, i) => {
    const scale = rounded.scales[Math.floor(i / 37)];
    assert.ok(Math.abs(value - values[i]) <= 0.5001 * scale, `${value} for ${values[i]}`);
  });
  assert.equal([...roundRows(back, 40).data], [...rounded.data]);
});
