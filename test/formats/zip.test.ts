import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { readStoredZip } from "../../src/formats/zip.js";
import { refuses } from "../support/refuses.js";
import { storedZip, type ZipEntry } from "../support/stored-zip.js";
import { test } from "../support/test.js";

const entries: readonly ZipEntry[] = [
  { name: "a/one", data: Uint8Array.of(1, 2, 3) },
  { name: "a/empty", data: new Uint8Array(0) },
  { name: "a/ü", data: Uint8Array.of(7) },
];

const contents = (file: Uint8Array) => [...readStoredZip(file, "x.zip")].map(([name, data]) => [name, [...data]]);
const expected = entries.map(({ name, data }) => [name, [...data]]);

test("stored entries come as views of the file, in the order of the directory", () => {
  const file = storedZip(entries);
  assert.equal(contents(file), expected);
  for (const data of readStoredZip(file, "x.zip").values()) assert.is(data.buffer, file.buffer);
  const view = new Uint8Array(file.length + 5);
  view.set(file, 5);
  assert.equal(contents(view.subarray(5)), expected, "wherever the file lies in its buffer");
});

test("a comment may follow the directory, and nothing else", () => {
  assert.equal(contents(storedZip(entries, { comment: "made for a test" })), expected);
  refuses(
    () => contents(Buffer.concat([storedZip(entries), Buffer.from("x")])),
    FormatError,
    "no end of a zip directory",
  );
});

test("64-bit sizes and offsets are read where the 32-bit ones say so", () => {
  assert.equal(
    contents(
      storedZip(
        entries.map((entry) => ({ ...entry, wide: true })),
        { wide: true },
      ),
    ),
    expected,
  );
});

test("an entry that is compressed, encrypted, damaged, elsewhere or twice there is refused by name", () => {
  const one = (change: Partial<ZipEntry>) => contents(storedZip([{ ...entries[0], ...change }, ...entries.slice(1)]));
  refuses(() => one({ method: 8 }), FormatError, 'x.zip cannot be read: "a/one" is compressed');
  refuses(() => one({ flags: 1 }), FormatError, '"a/one" is encrypted');
  refuses(() => one({ crc: 5 }), FormatError, 'the checksum of "a/one" is wrong');
  refuses(() => one({ packed: 2 }), FormatError, "its two sizes differ");
  refuses(() => one({ offset: 1 }), FormatError, '"a/one" is not where the directory says');
  refuses(() => one({ offset: 1e9 }), FormatError, '"a/one" is not where the directory says');
  refuses(() => contents(storedZip([entries[0], entries[0]])), FormatError, '"a/one" stands twice');
});

test("entries that share bytes are refused", () => {
  const inner = storedZip([{ name: "b", data: Uint8Array.of(9) }]).subarray(0, 32);
  const twice: ZipEntry[] = [
    { name: "a", data: inner },
    { name: "b", data: Uint8Array.of(9), offset: 31 },
  ];
  refuses(() => contents(storedZip(twice)), FormatError, "its entries overlap");
});

test("a file cut off anywhere is refused", () => {
  const file = storedZip(entries);
  for (let length = 0; length < file.length; length++)
    refuses(() => contents(file.subarray(0, length)), FormatError, "x.zip cannot be read");
});

test("a directory that claims more than the file holds is refused before anything is made of it", () => {
  for (const [at, value] of [
    [10, 0xfffe],
    [12, 0xfffffff0],
    [16, 0xfffffff0],
  ]) {
    const file = storedZip(entries);
    const end = file.length - 22;
    if (at === 10) file.writeUInt16LE(value, end + at);
    else file.writeUInt32LE(value, end + at);
    refuses(() => contents(file), FormatError, "does not fit");
  }
  const size = storedZip(entries);
  size.writeUInt32LE(1e9, size.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24);
  size.writeUInt32LE(1e9, size.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 20);
  refuses(() => contents(size), FormatError, "does not end before the directory");
});

test("any byte that is changed leaves contents that were checked, or a refusal", () => {
  const file = storedZip(
    entries.map((entry) => ({ ...entry, wide: true })),
    { wide: true },
  );
  for (let i = 0; i < file.length; i++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(file);
      changed[i] ^= change;
      try {
        for (const [name, data] of contents(changed))
          assert.ok(expected.some(([n, d]) => n === name || `${d}` === `${data}`));
      } catch (error) {
        assert.instance(error, FormatError);
      }
    }
  }
});
