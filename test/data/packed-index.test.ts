import * as assert from "uvu/assert";
import { ENTRY_BYTES, entryOf, HEADER_BYTES, headerOf, PackedIndex } from "../../src/data/packed-index.js";
import { test } from "../support/test.js";

const place = (offset: number) => ({ width: 2, height: 3, channels: 3, offset, checksum: 0xfedcba98 });

function entries(...list: [index: number, offset: number][]): Uint8Array {
  const bytes = new Uint8Array(list.length * ENTRY_BYTES);
  for (const [i, [index, offset]] of list.entries()) bytes.set(entryOf(index, place(offset)), i * ENTRY_BYTES);
  return bytes;
}

test("entries come back as they were written, offsets beyond four gigabytes included", () => {
  const far = 5 * 2 ** 32 + 7;
  const index = new PackedIndex(10);
  assert.is(index.read(entries([0, 0], [9, far]), far + 18), 2 * ENTRY_BYTES);
  assert.equal(index.place(0), place(0));
  assert.equal(index.place(9), place(far));
  assert.is(index.place(5), null);
  assert.equal([index.count, index.end], [2, far + 18]);
});

test("of an image that was packed twice the later place counts, and a dropped one is gone", () => {
  const index = new PackedIndex(4);
  index.read(entries([1, 0], [2, 18], [1, 36]), 54);
  assert.is(index.place(1)?.offset, 36);
  index.drop(1);
  assert.is(index.place(1), null);
  assert.equal([index.count, index.end], [1, 54]);
});

test("reading stops at an entry that is cut off, changed, of no image, or points behind the data", () => {
  const two = entries([0, 0], [1, 18]);
  const taken = (bytes: Uint8Array, dataBytes = 36, length = 2) => new PackedIndex(length).read(bytes, dataBytes);
  assert.is(taken(two.subarray(0, 2 * ENTRY_BYTES - 1)), ENTRY_BYTES);
  assert.is(taken(two, 35), ENTRY_BYTES);
  assert.is(taken(two, 36, 1), ENTRY_BYTES);
  for (let at = 0; at < ENTRY_BYTES; at++) {
    const changed = Uint8Array.from(two);
    changed[ENTRY_BYTES + at] ^= 4;
    assert.is(taken(changed), ENTRY_BYTES, `byte ${at}`);
  }
  assert.is(taken(two), 2 * ENTRY_BYTES);
});

test("a header tells the data, by key and number of images", () => {
  const header = headerOf({ key: "0123456789abcdef", length: 300 });
  assert.is(header.length, HEADER_BYTES);
  assert.equal(headerOf({ key: "0123456789abcdef", length: 300 }), header);
  assert.not.equal(headerOf({ key: "0123456789abcdee", length: 300 }), header);
  assert.not.equal(headerOf({ key: "0123456789abcdef", length: 301 }), header);
});
