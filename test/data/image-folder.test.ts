import { mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import * as assert from "uvu/assert";
import { imageFolder } from "../../src/data/image-folder.js";
import { DataError } from "../../src/errors.js";
import { imageFixture } from "../support/image-fixtures.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png"); // 32x32 RGB
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");

/** Paths relative to the folder, with `/`. */
function pathsOf(folder: string, options = {}): string[] {
  const source = imageFolder(folder, options);
  return Array.from({ length: source.length }, (_, i) =>
    source
      .path(i)
      .slice(folder.length + 1)
      .split(sep)
      .join("/"),
  );
}

function refused(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: Error) => error instanceof DataError && message.test(error.message));
}

test("the class is the first sub-folder, at any depth, and the order is that of the paths", async () => {
  const folder = tempFolder({
    "b/2.png": png,
    "b/10.JPG": jpeg,
    "a/deep/er/x.jpeg": jpeg,
    "a/y.png": png,
    "notes.txt": "",
  });
  const source = imageFolder(folder);
  assert.equal(pathsOf(folder), ["a/deep/er/x.jpeg", "a/y.png", "b/10.JPG", "b/2.png"]);
  assert.equal(source.classes, ["a", "b"]);
  assert.equal([...source.labels!], [0, 0, 1, 1]);
  const { width, channels } = await source.read(0);
  assert.equal([width, channels], [17, 3]);
});

test("an image beside the sub-folders means that there are no labels", () => {
  const flat = tempFolder({ "1.png": png, "2.png": png });
  assert.is(imageFolder(flat).labels, null);
  assert.equal(imageFolder(flat).classes, []);
  assert.is(imageFolder(tempFolder({ "1.png": png, "a/2.png": png })).labels, null);
});

test("names with dots in front, and files that are no images, are passed over", () => {
  const folder = tempFolder({
    "a/.hidden.png": png,
    ".cache/x.png": png,
    "a/._1.png": png,
    "a/1.png": png,
    "a/1.txt": "",
  });
  assert.equal(pathsOf(folder), ["a/1.png"]);
});

test("names that are unusual are read and printed on one line", async () => {
  const longest = `${"n".repeat(251)}.png`; // 255 bytes, the most that file systems allow
  const names = [`ünï code\n${"x".repeat(200)}.png`, longest, "写真 1.png", " .png", "-rf.png", "a\u001b[31m.png"];
  const folder = tempFolder({ ...Object.fromEntries(names.map((name) => [`a/${name}`, png])), "a/broken\n.png": "" });
  const source = imageFolder(folder);
  assert.is(source.length, names.length + 1);
  for (let i = 0; i < source.length; i++) {
    if (!source.path(i).includes("broken")) assert.is((await source.read(i)).width, 32);
    else assert.match(await failure(source.read(i)), /a.broken\\u000a\.png: is empty/);
  }
  assert.equal(pathsOf(folder).sort(), ["a/broken\n.png", ...names.map((name) => `a/${name}`)].sort());
});

async function failure(read: unknown): Promise<string> {
  try {
    await read;
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was read");
}

/**
 * Hands over a folder with an image, below which others of that name are nested with an image in the last; each is entered to make
 * the next and lifted to be removed, since paths have limits.
 */
async function nested(name: string, depth: number, use: (folder: string) => unknown): Promise<void> {
  const [folder, before] = [tempFolder({ "a.png": png }), process.cwd()];
  process.chdir(folder);
  for (let i = 0; i < depth; i++) {
    mkdirSync(name);
    process.chdir(name);
  }
  writeFileSync("deep.png", png);
  process.chdir(before);
  try {
    await use(folder);
  } finally {
    for (let i = 1; i < depth; i++) {
      renameSync(join(folder, name, name), join(folder, "next"));
      rmdirSync(join(folder, name));
      renameSync(join(folder, "next"), join(folder, name));
    }
  }
}

test("long paths are read up to the system's limit; one beyond it is told", async () => {
  await nested("d".repeat(100), 35, async (folder) => {
    const source = imageFolder(folder);
    assert.is(source.length, 2);
    for (const index of [0, 1]) assert.is((await source.read(index)).width, 32);
  });
  await nested("d".repeat(250), 17, (folder) =>
    refused(
      () => imageFolder(folder),
      /^folder: .*ddd cannot be read: its path is longer than this system allows\. Give folders on the way shorter names\.$/,
    ),
  );
});

test("names that are no UTF-8 are told, those of files as broken images", async () => {
  const folder = tempFolder({ "a.png": png });
  const latin1 = (name: string) => Buffer.from(`${folder}/${name}`, "latin1");
  try {
    writeFileSync(latin1("caf\u00e9.png"), png);
  } catch {
    return; // a file system that takes UTF-8 alone
  }
  const source = imageFolder(folder);
  assert.is((await source.read(0)).width, 32);
  assert.match(
    await failure(source.read(1)),
    /caf\ufffd\.png: cannot be read \(ENOENT\)\. Its name is not UTF-8; rename it\.$/,
  );
  mkdirSync(latin1("caf\u00e9"));
  refused(() => imageFolder(folder), /caf\ufffd cannot be read\. Its name is not UTF-8; rename it\.$/);
});

test("links are followed, loops of links cut, broken links passed over", () => {
  const folder = tempFolder({ "a/1.png": png, "b/2.png": png });
  const elsewhere = tempFolder({ "3.png": png });
  symlinkSync("..", join(folder, "a", "up"));
  symlinkSync(folder, join(folder, "b", "all"));
  symlinkSync("self", join(folder, "self"));
  symlinkSync("nowhere.png", join(folder, "b", "gone.png"));
  symlinkSync(elsewhere, join(folder, "c"));
  symlinkSync(join(elsewhere, "3.png"), join(folder, "a", "4.png"));
  assert.equal(pathsOf(folder), ["a/1.png", "a/4.png", "b/2.png", "c/3.png"]);
});

const divided = {
  "train/a/1.png": png,
  "train/c/2.png": png,
  "val/b/3.png": png,
  "validation/a/4.png": png,
  "readme.png": png,
};

test("splits are sub-folders, whose classes are numbered together", () => {
  const folder = tempFolder(divided);
  const train = imageFolder(folder, { split: "train" });
  const held = imageFolder(folder, { split: "test" });
  assert.equal(pathsOf(folder, { split: "train" }), ["train/a/1.png", "train/c/2.png"]);
  assert.equal(pathsOf(folder, { split: "test" }), ["val/b/3.png"]);
  assert.equal(
    [train.classes, held.classes],
    [
      ["a", "b", "c"],
      ["a", "b", "c"],
    ],
  );
  assert.equal([[...train.labels!], [...held.labels!]], [[0, 2], [1]]);
  assert.equal(pathsOf(folder), ["train/a/1.png", "train/c/2.png", "val/b/3.png", "validation/a/4.png"]);
});

test("a default split is taken where there are splits, and is the whole folder where there are none", () => {
  assert.equal(pathsOf(tempFolder(divided), { defaultSplit: "train" }), ["train/a/1.png", "train/c/2.png"]);
  const plain = { "a/1.png": png, "b/2.png": png };
  assert.equal(pathsOf(tempFolder(plain), { defaultSplit: "train" }), ["a/1.png", "b/2.png"]);
  refused(() => imageFolder(tempFolder(plain), { defaultSplit: "test" }), /has no test split .*it has a, b/);
});

test("a class may be called train, until the train split is asked for", () => {
  const vehicles = tempFolder({ "bus/1.png": png, "train/x/2.png": png });
  assert.equal(imageFolder(vehicles, { defaultSplit: "train" }).classes, ["bus", "train"]);
  assert.equal(imageFolder(vehicles, { split: "train" }).classes, ["x"]);
  refused(
    () => imageFolder(vehicles, { split: "test" }),
    /no test split \(no sub-folder test, val, valid, validation; it has bus, train\)/,
  );
  assert.equal(imageFolder(tempFolder({ "train/a/1.png": png })).classes, ["a"]);
});

test("a folder without images is an error that counts what is there", () => {
  const folder = tempFolder({ "a/1.txt": "", "a/2.txt": "", "b/3.csv": "", README: "" });
  refused(
    () => imageFolder(folder),
    /no images in .*: its files are 2 \.txt, 1 without extension, 1 \.csv\. Looked for \.jpg/,
  );
  refused(() => imageFolder(tempFolder()), /it is empty/);
  refused(() => imageFolder("/no/such/folder"), /\/no\/such\/folder does not exist/);
  refused(() => imageFolder(join(tempFolder({ file: "" }), "file")), /is not a folder/);
});

test("formats that are not read yet are listed, so that they are reported and not passed over", async () => {
  const source = imageFolder(tempFolder({ "a/1.gif": "GIF89a" }));
  try {
    await source.read(0);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /1\.gif: is GIF, not supported in this version/);
  }
});

test("an image that has gone is an error that names it", async () => {
  const folder = tempFolder({ "a/1.png": png });
  const source = imageFolder(folder);
  unlinkSync(join(folder, "a", "1.png"));
  try {
    await source.read(0);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /1\.png: cannot be read \(ENOENT\)/);
  }
});

test("a name that says another format is noted once", async () => {
  const notes: string[] = [];
  const source = imageFolder(tempFolder({ "a/1.jpg": png }), { onNote: (note) => notes.push(note) });
  await source.read(0);
  assert.is((await source.read(0)).width, 32);
  assert.is(notes.length, 1);
  assert.match(notes[0], /1\.jpg: is PNG although/);
});

test("a fingerprint follows paths, sizes and labels, not the place", () => {
  const files = { "a/1.png": png, "b/2.jpg": jpeg };
  const print = imageFolder(tempFolder(files)).fingerprint();
  assert.is(imageFolder(tempFolder(files)).fingerprint(), print);
  const others: Record<string, Uint8Array>[] = [
    { ...files, "b/2.jpg": png },
    { ...files, "b/3.jpg": jpeg },
    { "a/1.png": png, "c/2.jpg": jpeg },
  ];
  for (const other of others) assert.is.not(imageFolder(tempFolder(other)).fingerprint(), print);
});

test("the limits and rules of decoding are passed on", async () => {
  const folder = tempFolder({ "a/1.png": png });
  mkdirSync(join(folder, "empty"));
  assert.is((await imageFolder(folder, { channels: 1 }).read(0)).channels, 1);
  try {
    await imageFolder(folder, { maxPixels: 100 }).read(0);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /32x32 is more than 100 pixels/);
  }
});
