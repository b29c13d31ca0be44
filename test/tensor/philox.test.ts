import * as assert from "uvu/assert";
import { philox } from "../../src/tensor/philox.js";
import { test } from "../support/test.js";

// Known answers of Philox 4×32-10 published with Random123: counter, key, result.
const KNOWN: [number[], number[], number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

test("Philox 4×32-10 gives the published words", () => {
  for (const [counter, [key0, key1], expected] of KNOWN) {
    const words = new Uint32Array(4);
    philox(words, Uint32Array.from(counter), key0, key1);
    assert.equal([...words], expected);
  }
});

test("the counter may be overwritten by its own block", () => {
  const words = new Uint32Array(4);
  philox(words, words, 0, 0);
  assert.equal([...words], KNOWN[0][2]);
});
