import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ResourceError } from "../../src/errors.js";
import {
  appendLine,
  expectSpace,
  hashOfFile,
  replaceFile,
  syncFolder,
  writeAndSync,
} from "../../src/train/durable-write.js";
import { withFailingCall } from "../support/failing-files.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

function noise(length: number): Uint8Array {
  const next = seeded(length + 1);
  return Uint8Array.from({ length }, () => 256 * next());
}

test("parts end up in the file in order, whatever their sizes, and both hashes are SHA-256 of it", () => {
  const path = join(tempFolder(), "file");
  for (const sizes of [[], [0], [3], [(1 << 20) + 3, 0, 5], [1 << 20, 1 << 20]]) {
    const parts = sizes.map(noise);
    const written = writeAndSync(path, parts);
    const bytes = readFileSync(path);
    assert.ok(bytes.equals(Buffer.concat(parts)), `sizes ${sizes}`);
    assert.is(written, createHash("sha256").update(bytes).digest("hex"));
    assert.is(hashOfFile(path), written);
  }
});

test("writing replaces a longer file", () => {
  const path = join(tempFolder({ file: "a longer text" }), "file");
  writeAndSync(path, [new TextEncoder().encode("short")]);
  assert.is(readFileSync(path, "utf8"), "short");
});

test("hashes differ when one bit on the disk does", () => {
  const path = join(tempFolder(), "file");
  const before = writeAndSync(path, [noise(100)]);
  const bytes = readFileSync(path);
  bytes[50] ^= 4;
  writeFileSync(path, bytes);
  assert.is.not(hashOfFile(path), before);
});

test("whichever file-system call fails, a replaced file holds the old or the new text", () => {
  const folder = tempFolder();
  const path = join(folder, "file");
  let failures = 0;
  for (let n = 1; ; n++) {
    writeFileSync(path, "old");
    const { thrown, reached } = withFailingCall(n, () => replaceFile(path, "new"));
    if (!reached) break;
    const text = readFileSync(path, "utf8");
    if (thrown) {
      failures++;
      assert.is(text, "old", `call ${n}`);
      assert.match((thrown as Error).message, /injected/);
    } else assert.is(text, "new", `call ${n}`);
    assert.equal(readdirSync(folder), ["file"], `call ${n} leaves nothing else behind`);
  }
  assert.ok(failures >= 4, "opening, writing, syncing and renaming fail in turn");
});

test("a file in a folder that is not there is an error, and none is left", () => {
  const path = join(tempFolder(), "missing", "file");
  assert.throws(() => replaceFile(path, "text"), /ENOENT/);
  assert.not.ok(existsSync(path));
});

test("a full disk is a ResourceError that says what is safe, at any call", () => {
  const folder = tempFolder({ lines: "" });
  for (const code of ["ENOSPC", "EDQUOT"]) {
    for (const write of [
      () => void writeAndSync(join(folder, "a"), [noise(10)]),
      () => replaceFile(join(folder, "b"), "text"),
      () => appendLine(join(folder, "lines"), "text"),
    ]) {
      const { thrown } = withFailingCall(1, write, { code, from: true });
      assert.instance(thrown, ResourceError);
      assert.match((thrown as Error).message, /the disk is full\. Free space and resume/);
    }
  }
});

test("lines are added in order", () => {
  const path = join(tempFolder(), "lines");
  appendLine(path, "one");
  appendLine(path, "two");
  assert.is(readFileSync(path, "utf8"), "one\ntwo\n");
});

test("more than the disk has is refused with both figures; what fits is not", () => {
  const folder = tempFolder();
  expectSpace(folder, 1, "a file");
  refuses(
    () => expectSpace(folder, 2 ** 60, "checkpoint 7"),
    ResourceError,
    `checkpoint 7 needs 1099511627776 MiB in ${folder}, `,
  );
});

test("a folder that cannot be opened or synced is left as it is", () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "sub"));
  syncFolder(join(folder, "sub"));
  syncFolder(join(folder, "missing"));
  for (const n of [1, 2]) assert.is(withFailingCall(n, () => syncFolder(folder)).thrown, undefined);
});
