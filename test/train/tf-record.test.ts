import * as assert from "uvu/assert";
import { crc32c, tfRecord } from "../../src/train/tf-record.js";
import { readRecords } from "../support/event-files.js";
import { test } from "../support/test.js";

test("checksums are those of RFC 3720, appendix B.4", () => {
  const bytes = (fill: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => fill(i));
  assert.is(crc32c(bytes(() => 0)), 0x8a9136aa);
  assert.is(crc32c(bytes(() => 0xff)), 0x62a8ab43);
  assert.is(crc32c(bytes((i) => i)), 0x46dd794e);
  assert.is(crc32c(bytes((i) => 31 - i)), 0x113fdb5c);
  assert.is(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.is(crc32c(new Uint8Array()), 0);
});

test("records read back, the empty one too", () => {
  const records = [Uint8Array.of(1, 2, 3), new Uint8Array(), new Uint8Array(300).fill(7)];
  assert.equal(
    readRecords(Buffer.concat(records.map(tfRecord))).map((bytes) => [...bytes]),
    records.map((bytes) => [...bytes]),
  );
});

test("a byte that was changed is noticed by the reader of these tests", () => {
  const record = tfRecord(Uint8Array.of(1, 2, 3));
  for (let at = 0; at < record.length; at++) {
    const changed = Uint8Array.from(record, (byte, i) => (i === at ? byte ^ 1 : byte));
    let noticed = false;
    try {
      readRecords(changed);
    } catch {
      noticed = true;
    }
    assert.ok(noticed, `byte ${at}`);
  }
});
