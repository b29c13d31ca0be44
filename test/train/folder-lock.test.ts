import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { expectFreeFolder, FolderLock } from "../../src/train/folder-lock.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("a lock names its holder; one that another process has is neither taken nor released", () => {
  const path = tempFolder();
  const lock = new FolderLock(path);
  lock.take();
  assert.equal(JSON.parse(readFileSync(join(path, "lock"), "utf8")), { pid: process.pid, host: hostname() });
  lock.release();
  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  try {
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: other.pid, host: hostname() }));
    refuses(() => lock.take(), ConfigError, `in use by process ${other.pid}`);
    lock.release();
    assert.match(readFileSync(join(path, "lock"), "utf8"), String(other.pid));
  } finally {
    other.kill();
  }
});

test("a folder that is not free is refused with the way out", () => {
  const path = tempFolder({ "a.txt": "" });
  const wayOut = "continue with --resume";
  expectFreeFolder(join(path, "new"), { wayOut });
  expectFreeFolder(path, { wayOut, overwrite: true });
  refuses(() => expectFreeFolder(path, { wayOut }), ConfigError, "continue with --resume, or pass --overwrite");
  refuses(() => expectFreeFolder(join(path, "a.txt"), { wayOut }), ConfigError, "is a file");
});

test("a fresh lock that names nobody, or a turn to take one over, is waited for until it has settled", () => {
  const dead = JSON.stringify({ pid: spawnSync(process.execPath, ["-e", ""]).pid, host: hostname() });
  const left: Record<string, string>[] = [
    ...["", "{", '{"pid":"x"}'].map((lock) => ({ lock })),
    { lock: dead, "lock.takeover": dead },
  ];
  for (const files of left) {
    const path = tempFolder(files);
    const fourSecondsAgo = Date.now() / 1000 - 4;
    for (const name of Object.keys(files)) utimesSync(join(path, name), fourSecondsAgo, fourSecondsAgo);
    const start = performance.now();
    const lock = new FolderLock(path);
    lock.take();
    const waitedMs = performance.now() - start;
    assert.ok(waitedMs > 500 && waitedMs < 3_000, `${waitedMs} ms`);
    assert.equal(readdirSync(path), ["lock"]);
    assert.is(JSON.parse(readFileSync(join(path, "lock"), "utf8")).pid, process.pid);
    lock.release();
  }
});

test("an unreadable lock from before the clock was set back is old, not fresh", () => {
  const path = tempFolder({ lock: "{" });
  const lock = new FolderLock(path);
  const future = Date.now() / 1000 + 86_400;
  utimesSync(join(path, "lock"), future, future);
  lock.take();
  assert.is(JSON.parse(readFileSync(join(path, "lock"), "utf8")).pid, process.pid);
  lock.release();
});
