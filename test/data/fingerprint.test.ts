import * as assert from "uvu/assert";
import { Fingerprint } from "../../src/data/fingerprint.js";
import { test } from "../support/test.js";

/** FNV-1a by its definition, in big integers. */
function fnv1a(bytes: readonly number[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & (2n ** 64n - 1n);
  return hash.toString(16).padStart(16, "0");
}

test("the hash is FNV-1a of the bytes and their number", () => {
  const bytes = Array.from({ length: 300 }, (_, i) => (i * 37) & 0xff);
  assert.is(new Fingerprint().bytes(Uint8Array.from(bytes)).digest(), fnv1a([...bytes, 44, 1, 0, 0]));
  assert.is(new Fingerprint().text("é").digest(), fnv1a([0xc3, 0xa9, 2, 0, 0, 0]));
  assert.is(new Fingerprint().integers([-2]).digest(), fnv1a([0xfe, 0xff, 0xff, 0xff, 1, 0, 0, 0]));
});

test("the border between two items counts", () => {
  const first = new Fingerprint().text("ab").text("c").digest();
  assert.is.not(first, new Fingerprint().text("a").text("bc").digest());
  assert.is.not(new Fingerprint().integers([]).digest(), new Fingerprint().digest());
});
