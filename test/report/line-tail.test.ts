import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { LineTail } from "../../src/report/line-tail.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** A file and what reading it gives: lines, and "restart" where it became another one. */
function tail(content?: string) {
  const path = join(tempFolder(content === undefined ? {} : { lines: content }), "lines");
  const reader = new LineTail(path);
  const read = () => {
    const seen: string[] = [];
    const any = reader.read({ line: (text) => seen.push(text), restart: () => seen.push("restart") });
    assert.is(any, seen.length > 0);
    return seen;
  };
  return { path, read };
}

test("each line is passed on once, and one that is not complete waits for its end", () => {
  const { path, read } = tail("one\ntwo\nthr");
  assert.equal(read(), ["one", "two"]);
  assert.equal(read(), []);
  appendFileSync(path, "ee");
  assert.equal(read(), []);
  appendFileSync(path, "\nfour\n\n");
  assert.equal(read(), ["three", "four", ""]);
});

test("a letter of several bytes may be cut anywhere", () => {
  const bytes = Buffer.from("größe\n");
  const { path, read } = tail("");
  for (const byte of bytes.subarray(0, -1)) {
    appendFileSync(path, Buffer.of(byte));
    assert.equal(read(), []);
  }
  appendFileSync(path, bytes.subarray(-1));
  assert.equal(read(), ["größe"]);
});

test("a file that is not there yet has no lines, and is read once it is", () => {
  const { path, read } = tail();
  assert.equal(read(), []);
  writeFileSync(path, "one\n");
  assert.equal(read(), ["one"]);
});

test("a file that was replaced or cut is read from its start", () => {
  const { path, read } = tail("one\ntwo\n");
  assert.equal(read(), ["one", "two"]);
  writeFileSync(`${path}.new`, "one\nTWO\nthree\n");
  renameSync(`${path}.new`, path);
  assert.equal(read(), ["restart", "one", "TWO", "three"]);
  truncateSync(path, 4);
  assert.equal(read(), ["restart", "one"]);
});

test("lines that span blocks of reading are whole", () => {
  const lines = Array.from({ length: 5 }, (_, i) => String(i).repeat(700_001));
  assert.equal(tail(`${lines.join("\n")}\n`).read(), lines);
});

test("a file without line ends is refused before it fills memory", () => {
  const { read } = tail("x".repeat((1 << 24) + 1));
  assert.throws(
    read,
    (error: Error) => error instanceof FormatError && /longer than 16777216 bytes/.test(error.message),
  );
});
