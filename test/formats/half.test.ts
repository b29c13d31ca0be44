import * as assert from "uvu/assert";
import { halfToNumber, LARGEST_HALF, numberToHalf } from "../../src/formats/half.js";
import { test } from "../support/test.js";

test("every half comes back with its bits, apart from what is no number", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(halfToNumber(numberToHalf(value))));
    else assert.is(numberToHalf(value), bits);
  }
});

test("known halves have their values", () => {
  for (const [bits, value] of [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, LARGEST_HALF],
    [0x0001, 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x7c00, Number.POSITIVE_INFINITY],
  ])
    assert.is(halfToNumber(bits), value);
});

test("numbers between two halves go to the nearer one, from the middle to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [halfToNumber(bits), halfToNumber(bits + 1)];
    const middle = (low + high) / 2; // has one bit more, so it is a float32
    const even = bits % 2 === 0 ? bits : bits + 1;
    const step = (high - low) / 8;
    assert.equal([middle, middle - step, middle + step].map(numberToHalf), [even, bits, bits + 1]);
    assert.is(numberToHalf(-middle), even | 0x8000);
  }
  assert.equal([65519.9, 65520, 1e9, -1e9].map(numberToHalf), [0x7bff, 0x7c00, 0x7c00, 0xfc00]);
});
