import { crc32 } from "node:zlib";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { isBundle, packBundle, unpackBundle } from "../../src/formats/bundle.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const content = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 255);

test("a bundle is its magic, version and checksum before the file", () => {
  const bundle = packBundle(content);
  assert.is(Buffer.from(bundle.subarray(0, 8)).toString(), "poa.edge");
  assert.equal([...bundle.subarray(8, 12)], [1, 0, 0, 0]);
  assert.is(Buffer.from(bundle).readUInt32LE(12), crc32(content));
  assert.equal([...bundle.subarray(16)], [...content]);
  assert.equal([...unpackBundle(bundle, "x")], [...content]);
  assert.equal([isBundle(bundle), isBundle(content), isBundle(bundle.subarray(0, 5))], [true, false, false]);
});

test("every changed byte and every cut is noticed, with what to do", () => {
  const bundle = packBundle(content);
  for (let at = 0; at < bundle.length; at++) {
    const changed = bundle.slice();
    changed[at] ^= 16;
    const expected = at < 8 ? "is not an edge bundle" : at < 12 ? "of version" : "its checksum is wrong";
    refuses(() => unpackBundle(changed, "x.poa"), FormatError, expected);
  }
  for (const length of [0, 7, 8, 15, 16, 115])
    refuses(() => unpackBundle(bundle.subarray(0, length), "x.poa"), FormatError, "x.poa ");
});
