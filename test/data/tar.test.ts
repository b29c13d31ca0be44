import fc from "fast-check";
import { packTar } from "modern-tar";
import * as assert from "uvu/assert";
import { readTar, type TarEntry } from "../../src/data/tar.js";
import { DataError } from "../../src/errors.js";
import { seal, tarFile } from "../support/tar-files.js";
import { test } from "../support/test.js";

function entriesOf(archive: Uint8Array): TarEntry[] {
  const read = (offset: number, length: number) => {
    assert.ok(offset >= 0 && length >= 0 && offset + length <= archive.length, "reads outside of the archive");
    return archive.subarray(offset, offset + length);
  };
  return [...readTar(read, archive.length, "x.tar")];
}

function refusal(archive: Uint8Array): string {
  try {
    entriesOf(archive);
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was read");
}

const pax = (...records: string[]) => records.map((record) => `${Buffer.byteLength(record) + 4} ${record}\n`).join("");

test("members of another program's archive are found where they are", async () => {
  const long = `${"folder/".repeat(30)}é.jpg`; // needs a pax extension
  const prefixed = `${"a".repeat(90)}/${"b".repeat(90)}.png`; // fits into name and prefix
  const body = (text: string) => ({ size: text.length, body: text });
  const made = [
    { name: "0001.jpg", text: "one" },
    { name: long, text: "second content" },
    { name: prefixed, text: "" },
    { name: "0002.cls", text: "x".repeat(1000) },
  ];
  const archive = await packTar([
    { header: { name: "dir/", type: "directory" as const, size: 0 } },
    ...made.map(({ name, text }) => ({ header: { name, size: body(text).size }, body: text })),
  ]);
  const found = entriesOf(archive);
  assert.equal([found[0].name, found[0].kind], ["dir/", "folder"]);
  const read = found.slice(1).map(({ name, kind, offset, sizeBytes }) => ({
    name,
    kind,
    text: Buffer.from(archive.subarray(offset, offset + sizeBytes)).toString(),
  }));
  assert.equal(
    read,
    made.map(({ name, text }) => ({ name, kind: "file", text })),
  );
});

test("long names of GNU tar and large sizes of pax and of GNU tar are understood", () => {
  const archive = tarFile([
    { name: "././@LongLink", type: "L", content: `${"long/".repeat(40)}1.jpg\0` },
    { name: "cut off", content: "abc" },
    { name: "PaxHeader", type: "x", content: pax("path=é.png", "size=5") },
    { name: "other", content: "12345", size: 0 },
    { name: "binary", content: "123" },
  ]);
  const last = archive.length - 1024 - 1024;
  archive.fill(0, last + 124, last + 136);
  archive[last + 124] = 0x80;
  archive[last + 135] = 3;
  seal(archive.subarray(last));
  assert.equal(
    entriesOf(archive).map(({ name, sizeBytes }) => [name, sizeBytes]),
    [
      [`${"long/".repeat(40)}1.jpg`, 3],
      ["é.png", 5],
      ["binary", 3],
    ],
  );
});

test("links, devices, sparse files and unknown types are told apart from files", () => {
  const types = ["0", "\0", "7", "1", "2", "3", "4", "5", "6", "S", "Z"];
  const archive = tarFile(types.map((type) => ({ name: "a", type })));
  const kinds = entriesOf(archive).map(({ kind }) => kind);
  assert.equal(kinds, ["file", "file", "file", "link", "link", "other", "other", "folder", "other", "other", "other"]);
  const sparse = tarFile([{ name: "x", type: "x", content: pax("GNU.sparse.major=1") }, { name: "a" }, { name: "b" }]);
  assert.equal(
    entriesOf(sparse).map(({ kind }) => kind),
    ["other", "file"],
  );
});

test("a wrong checksum, a lie about a size and an end that is missing are errors with the place", () => {
  const members = [
    { name: "1.jpg", content: "a".repeat(600) },
    { name: "2.jpg", content: "b" },
  ];
  const whole = tarFile(members);
  const flipped = Buffer.from(whole);
  flipped[1536 + 3] ^= 1;
  assert.match(refusal(flipped), /^x\.tar: at byte 1536 the checksum of a header is wrong/);
  assert.match(
    refusal(tarFile([{ name: "1.jpg", size: 8 * 2 ** 30 - 1 }])),
    /at byte 0 "1\.jpg" is cut off: 8589934591 bytes are due, 1024 are there/,
  );
  assert.match(refusal(whole.subarray(0, 700)), /at byte 0 "1\.jpg" is cut off: 600 bytes are due, 188 are there/);
  assert.match(refusal(whole.subarray(0, 1800)), /at byte 1536 the archive is cut off: it ends without its end mark/);
  assert.match(refusal(tarFile(members, { endMark: false })), /at byte 2560 the archive is cut off/);
  assert.match(refusal(new Uint8Array()), /at byte 0 the archive is cut off/);
  assert.match(refusal(Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(2000)])), /at byte 0 the checksum/);
});

test("sizes that are no numbers and damaged extensions are errors", () => {
  const oddSize = tarFile([{ name: "a" }]);
  oddSize.write("9", 130);
  seal(oddSize);
  assert.match(refusal(oddSize), /the size of a member is no number/);
  const negative = tarFile([{ name: "a" }]);
  negative.fill(0xff, 124, 136);
  seal(negative);
  assert.match(refusal(negative), /the size of a member is no number/);
  for (const content of ["99 path=a\n", "path=a\n", "9 path=ab", "0 a=b\n", pax("size=-1"), pax("size=1e3")]) {
    const archive = tarFile([{ name: "x", type: "x", content }, { name: "a" }]);
    assert.match(refusal(archive), /at byte 512 (the extension|the size)/, content);
  }
});

test("after any change of bytes an archive is walked within its bounds or refused", () => {
  const valid = tarFile([
    { name: "x", type: "x", content: pax("path=b.jpg") },
    { name: "a", content: "content" },
    { name: "b", content: "more" },
  ]);
  const change = fc.tuple(fc.nat(1700), fc.nat(255), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const archive = Buffer.from(valid);
      for (const [at, byte] of changes) archive[at] = byte;
      for (const [at, , sealed] of changes) if (sealed) seal(archive.subarray(at - (at % 512)));
      try {
        for (const { offset, sizeBytes } of entriesOf(archive)) assert.ok(offset + sizeBytes <= archive.length);
      } catch (error) {
        assert.instance(error, DataError);
      }
    }),
    { numRuns: 500 },
  );
});
