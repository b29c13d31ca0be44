import * as assert from "uvu/assert";
import { crc32 } from "../../src/formats/crc32.js";
import { test } from "../support/test.js";

test("the checksum of known texts is the published one", () => {
  const text = (value: string) => new TextEncoder().encode(value);
  assert.is(crc32(text("123456789")), 0xcbf43926);
  assert.is(crc32(text("")), 0);
  assert.is(crc32(text("The quick brown fox jumps over the lazy dog")), 0x414fa339);
});
