import { spawn } from "node:child_process";
import fs, { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { hostname } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { cacheFolderOf, diskCache } from "../../src/train/disk-cache.js";
import { memorySource } from "../support/memory-source.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const LARGE = 2 ** 30;

function open(folder: string, { length = 6, broken = [] as number[], maxBytes = LARGE, reserveBytes = 0 } = {}) {
  const source = memorySource(length, broken);
  const warnings: string[] = [];
  const cache = diskCache(source, { folder, maxBytes, reserveBytes, onWarning: (text) => warnings.push(text) });
  const readAll = async () => {
    const images = [];
    for (let i = 0; i < length; i++) images.push((await cache.source.read(i)).data[0]);
    return images;
  };
  return { ...cache, reads: source.reads, warnings, readAll, files: cacheFolderOf(folder, source) };
}

const all = [0, 1, 2, 3, 4, 5];

test("an image is decoded once, by this run or one before", async () => {
  const folder = tempFolder();
  const first = open(folder);
  assert.equal(await first.readAll(), all);
  assert.equal(await first.readAll(), all);
  assert.equal(first.reads, all);
  first.close();
  const second = open(folder);
  assert.equal(await second.readAll(), all);
  assert.equal(second.reads, []);
  second.close();
  assert.equal([...first.warnings, ...second.warnings], []);
});

test("reads at the same time share one opening", async () => {
  const run = open(tempFolder());
  await Promise.all(all.map((i) => run.source.read(i)));
  assert.equal(await run.readAll(), all);
  assert.equal(run.reads.length, 6);
  run.close();
});

test("reads after closing work and open nothing, until the files are opened again", async () => {
  const run = open(tempFolder());
  await run.readAll();
  run.close();
  const lock = join(run.files, "lock");
  assert.not.ok(existsSync(lock));
  assert.is((await run.source.read(4)).data[0], 4);
  assert.not.ok(existsSync(lock));
  assert.is(run.reads.length, 7);
  run.open();
  assert.equal(await run.readAll(), all);
  assert.is(run.reads.length, 7);
  assert.ok(existsSync(lock));
  run.close();
});

test("nothing is made before the first read, and everything but reading is the source's own", () => {
  const folder = tempFolder();
  const { source } = open(folder);
  const own = memorySource(6);
  assert.equal([source.name, source.length, source.path(2)], [own.name, 6, own.path(2)]);
  assert.equal(source.labels, own.labels);
  assert.is(source.fingerprint(), own.fingerprint());
  assert.equal(readdirSync(folder), []);
});

test("closing while the files are being opened lets them go", async () => {
  const folder = tempFolder();
  const run = open(folder);
  const reading = run.source.read(0);
  run.close();
  assert.is((await reading).data[0], 0);
  assert.not.ok(existsSync(join(run.files, "lock")));
});

test("images beyond the bound are decoded each time, which is told once", async () => {
  const run = open(tempFolder(), { maxBytes: 150 });
  assert.equal([...(await run.readAll()), ...(await run.readAll())], [...all, ...all]);
  assert.ok(run.reads.length > 6 && run.reads.length < 12, `${run.reads.length} reads`);
  assert.is(run.warnings.length, 1);
  assert.match(run.warnings[0], /^train\.cache=disk: .* is full \(train\.cache_gib\)/);
  run.close();
  const bytes = ["images", "index"].reduce((sum, name) => sum + statSync(join(run.files, name)).size, 0);
  assert.ok(bytes <= 150, `${bytes} bytes`);
});

test("a broken image stays broken and takes no place", async () => {
  const run = open(tempFolder(), { broken: [1] });
  for (let i = 0; i < 2; i++) {
    await Promise.resolve(run.source.read(1)).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /^memory#1/),
    );
  }
  run.close();
});

test("other data has files of its own", async () => {
  const folder = tempFolder();
  const [six, seven] = [open(folder), open(folder, { length: 7 })];
  await six.readAll();
  assert.equal(await seven.readAll(), [...all, 6]);
  assert.is(readdirSync(folder).length, 2);
  six.close();
  seven.close();
});

test("two runs of one process share the files: one adds, the other reads, and takes its turn later", async () => {
  const folder = tempFolder();
  const [writer, reader] = [open(folder), open(folder)];
  await writer.readAll();
  assert.equal(await reader.readAll(), all);
  assert.equal(reader.reads, []);
  assert.match(reader.warnings.join(), /another run adds to .*; this one reads what is there/);
  writer.close();
  reader.close();
  const later = open(folder, { length: 6 });
  await later.readAll();
  assert.equal(later.warnings, []);
  later.close();
});

test("a run that closes what it only read does not end the turn of the one that adds", async () => {
  const folder = tempFolder();
  const [writer, reader, third] = [open(folder), open(folder), open(folder)];
  await writer.source.read(0);
  await reader.source.read(1);
  reader.close();
  await third.source.read(1);
  assert.is(third.warnings.length, 1);
  assert.ok(existsSync(join(writer.files, "lock")));
  for (const run of [writer, third]) run.close();
});

test("files that another process adds to are read and left alone, those that a dead one left are taken over", async () => {
  const folder = tempFolder();
  const first = open(folder);
  await first.source.read(0);
  first.close();
  const holder = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  const lock = join(first.files, "lock");
  writeFileSync(lock, JSON.stringify({ pid: holder.pid, host: hostname() }));
  const second = open(folder);
  await second.readAll();
  await second.readAll();
  assert.is(second.reads.filter((index) => index === 0).length, 0, "what is there is read");
  assert.is(second.reads.length, 10, "nothing is added");
  second.close();
  assert.ok(existsSync(lock));
  const gone = new Promise((resolve) => holder.once("exit", resolve));
  holder.kill();
  await gone;
  const third = open(folder);
  await third.readAll();
  assert.equal(await third.readAll(), all);
  assert.is(third.reads.length, 5);
  third.close();
});

test("files that were cut off or changed are told, and what is missing is decoded again", async () => {
  for (const damage of [
    (files: string) => truncateSync(join(files, "images"), 2),
    (files: string) => truncateSync(join(files, "images"), 0),
    (files: string) => writeFileSync(join(files, "index"), "nonsense"),
    (files: string) =>
      writeFileSync(
        join(files, "images"),
        readFileSync(join(files, "images")).map((byte) => byte ^ 1),
      ),
  ]) {
    const folder = tempFolder();
    const before = open(folder);
    await before.readAll();
    before.close();
    damage(before.files);
    const run = open(folder);
    assert.equal(await run.readAll(), all);
    assert.is(run.warnings.length, 1, run.warnings.join("\n"));
    assert.match(run.warnings[0], /damaged.*decoded and kept again/);
    const { length } = run.reads;
    assert.ok(length > 0);
    assert.equal(await run.readAll(), all);
    assert.is(run.reads.length, length, "all are kept now");
    run.close();
  }
});

/** Runs fn while nothing more can be written. */
async function onFullDisk(code: string, fn: () => Promise<void>): Promise<void> {
  const { writeSync } = fs;
  fs.writeSync = () => {
    throw Object.assign(new Error(`${code}: no space left on device, write`), { code });
  };
  syncBuiltinESMExports();
  try {
    await fn();
  } finally {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  }
}

test("a full disk costs the cache, not the run, and the space is given back", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    const run = open(tempFolder());
    await run.source.read(0);
    const held = fs.openSync(join(run.files, "images"), "r");
    await onFullDisk(code, async () => assert.equal(await run.readAll(), all));
    assert.equal(await run.readAll(), all);
    assert.is(run.warnings.length, 1);
    assert.match(run.warnings[0], /^train\.cache=disk: the disk of .* is full\. The images kept there are removed/);
    assert.equal(readdirSync(run.files), []);
    assert.is(fs.fstatSync(held).size, 0, "also for a thread that still has the file open");
    fs.closeSync(held);
    run.close();
  }
});

test("a disk that fails costs the cache, not the run, and what is there stays", async () => {
  const folder = tempFolder();
  const run = open(folder);
  await run.source.read(0);
  await onFullDisk("EIO", async () => assert.equal(await run.readAll(), all));
  assert.match(run.warnings.join(), /^train\.cache=disk: EIO: .* The run goes on without it\.$/);
  run.close();
  const later = open(folder);
  assert.equal(await later.readAll(), all);
  assert.not.ok(later.reads.includes(0));
  later.close();
});

test("a disk with little space left is not filled", async () => {
  const run = open(tempFolder(), { reserveBytes: Number.MAX_SAFE_INTEGER / 2 });
  assert.equal([...(await run.readAll()), ...(await run.readAll())], [...all, ...all]);
  assert.is(run.reads.length, 12);
  assert.match(run.warnings.join(), /nearly full; what is left is for checkpoints/);
  run.close();
});

test("a folder that cannot be made costs the cache, not the run", async () => {
  const folder = tempFolder({ file: "" });
  const run = open(join(folder, "file", "below"));
  assert.equal(await run.readAll(), all);
  assert.is(run.warnings.length, 1);
  assert.match(run.warnings[0], /^train\.cache=disk: .*ENOTDIR.*The run goes on without it\./);
  run.close();
});
