import { readdirSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { batches } from "../../src/data/loader.js";
import { webDataset } from "../../src/data/webdataset.js";
import { DataError } from "../../src/errors.js";
import { imageFixture } from "../support/image-fixtures.js";
import { type TarMember, tarFile } from "../support/tar-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png"); // 32x32
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");
const webp = imageFixture("webp/dark.webp"); // 1x1

/** Paths of shards with these members, in a folder of their own. */
function shards(...contents: (readonly TarMember[])[]): string[] {
  const files = Object.fromEntries(contents.map((members, i) => [`shard-${i}.tar`, tarFile(members)]));
  const folder = tempFolder(files);
  return Object.keys(files).map((name) => join(folder, name));
}

function refusal(...contents: (readonly TarMember[])[]): string {
  try {
    webDataset(shards(...contents));
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was opened");
}

async function failure(read: unknown): Promise<string> {
  try {
    await read;
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was read");
}

test("members of one key are a sample: an image in any format and its label", async () => {
  const paths = shards(
    [
      { name: "a/0001.jpg", content: jpeg },
      { name: "a/0001.cls", content: "2\n" },
      { name: "a/", type: "5" },
      { name: "a/0002.cls", content: "0" },
      { name: "a/0002.seg.png", content: png },
      { name: "a/0002.png", content: png },
      { name: "a/0003.txt", content: "a caption alone" },
    ],
    [
      { name: "./v1.5/0001.WEBP", content: webp },
      { name: "./v1.5/0001.json", content: '{"caption": "x", "label": 1}' },
    ],
  );
  const source = webDataset(paths);
  assert.equal([...source.labels!], [2, 0, 1]);
  assert.equal(source.classes, ["0", "1", "2"]);
  const sizes = [];
  for (let i = 0; i < source.length; i++) sizes.push((await source.read(i)).width);
  assert.equal(sizes, [17, 32, 1]);
  assert.equal([source.path(0), source.path(2)], [`${paths[0]}#a/0001.jpg`, `${paths[1]}#./v1.5/0001.WEBP`]);
});

test("labels may be names, in .cls or under label, cls or class of .json, or the JSON itself", () => {
  const labels = (...contents: string[]) => {
    const members = contents.flatMap((content, i) => [
      { name: `${i}.png`, content: png },
      { name: `${i}.${/^[a-z]/.test(content) ? "cls" : "json"}`, content },
    ]);
    const { labels: found, classes } = webDataset(shards(members));
    return [...found!].map((label) => classes[label]);
  };
  assert.equal(labels("dog", '{"cls": "cat"}', '{"class": "ape"}', '"emu"'), ["dog", "cat", "ape", "emu"]);
  assert.equal(labels("7", '{"label": 3}'), ["7", "3"]);
});

test("without any label there are none; with some the first sample that lacks one is named", () => {
  const image = (name: string) => ({ name, content: png });
  assert.is(
    webDataset(shards([image("1.png"), { name: "1.json", content: '{"width": 3, "label": null}' }])).labels,
    null,
  );
  const message = refusal([image("1.png"), { name: "1.cls", content: "0" }, image("2.png")]);
  assert.match(message, /shard-0\.tar#2\.png: has no label, 1 of the 2 images have one/);
});

test("labels that are none, and a member that stands twice, are errors with shard, name and byte", () => {
  const withLabel = (name: string, content: string) =>
    refusal([
      { name: "1.png", content: png },
      { name, content },
    ]);
  assert.match(withLabel("1.cls", " "), /shard-0\.tar#1\.cls, at byte \d+, is empty/);
  assert.match(withLabel("1.json", "{"), /1\.json, at byte \d+, is not valid JSON/);
  assert.match(withLabel("1.json", '{"label": -1}'), /has the label -1, expected a whole number from 0 or a name/);
  assert.match(withLabel("1.json", '{"label": [1]}'), /has the label \[1\]/);
  assert.match(withLabel("1.png", "x"), /1\.png, at byte \d+, stands in the shard twice/);
});

test("names that lead outside, links and devices are broken images, the others are read, and nothing is unpacked", async () => {
  const rejected: readonly (readonly [TarMember, RegExp])[] = [
    [{ name: "../../x.png", content: png }, /#\.\.\/\.\.\/x\.png: its name leads out of the shard/],
    [{ name: "/etc/x.png", content: png }, /its name is an absolute path/],
    [{ name: "C:\\x.png", content: png }, /its name is an absolute path/],
    [{ name: "s.png", type: "2" }, /s\.png: is a link/],
    [{ name: "h.png", type: "1" }, /h\.png: is a link/],
    [{ name: "d.png", type: "4" }, /d\.png: is no ordinary file/],
    [{ name: "p.png", type: "6" }, /p\.png: is no ordinary file/],
  ];
  const [path] = shards([
    { name: "1.png", content: png },
    ...rejected.map(([member]) => member),
    { name: "2.png", content: png },
  ]);
  const source = webDataset([path]);
  assert.is(source.length, rejected.length + 2);
  for (const [i, [, message]] of rejected.entries()) assert.match(await failure(source.read(1 + i)), message);
  const warnings: string[] = [];
  const options = {
    batchSize: 9,
    passes: 1,
    broken: "skip",
    onWarning: (text: string) => warnings.push(text),
  } as const;
  for await (const { images } of batches(source, options)) assert.is(images.length, 2);
  assert.is(warnings.length, rejected.length);
  assert.equal(readdirSync(join(path, "..")), ["shard-0.tar"]);
});

/** A shard of two images, the second of which begins at byte 1024. */
const whole = tarFile([
  { name: "1.png", content: png },
  { name: "2.png", content: png },
]);

test("a damaged or cut off shard loses what follows, which is one broken image with shard and byte; other shards go on", async () => {
  const flipped = Buffer.from(whole);
  flipped[1024 + 5] ^= 1;
  const damaged: Readonly<Record<string, readonly [Uint8Array, number, RegExp]>> = {
    "cut.tar": [whole.subarray(0, 1100), 1, /at byte 1024 the archive is cut off: it ends without its end mark/],
    "cut-in-image.tar": [
      whole.subarray(0, 1600),
      1,
      /at byte 1024 "2\.png" is cut off: \d+ bytes are due, 64 are there/,
    ],
    "flipped.tar": [flipped, 1, /at byte 1024 the checksum of a header is wrong/],
    "lie.tar": [
      tarFile([{ name: "1.png", size: 8 * 2 ** 30 - 1 }]),
      0,
      /at byte 0 "1\.png" is cut off: 8589934591 bytes/,
    ],
    "zip.tar": [Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(600)]), 0, /at byte 0 the checksum of a header/],
    "empty.tar": [new Uint8Array(), 0, /at byte 0 the archive is cut off/],
  };
  const folder = tempFolder({ "good.tar": whole, ...mapped(damaged, ([bytes]) => bytes) });
  for (const [name, [, readable, reason]] of Object.entries(damaged)) {
    const source = webDataset([join(folder, name), join(folder, "good.tar")]);
    assert.is(source.length, readable + 1 + 2, name);
    const message = await failure(source.read(readable));
    assert.match(message, reason);
    assert.ok(
      message.startsWith(`${join(folder, name)}#(rest): at byte `) && message.endsWith(" What follows is lost."),
    );
    for (const index of [...Array(readable).keys(), readable + 1, readable + 2])
      assert.is((await source.read(index)).width, 32, `${name}, image ${index}`);
    const [warnings, seen]: [string[], number[]] = [[], []];
    const options = { batchSize: 9, passes: 1, shuffle: false, broken: "skip", dropLast: false } as const;
    for await (const { indices } of batches(source, { ...options, onWarning: (text) => warnings.push(text) }))
      seen.push(...indices);
    assert.equal([seen.length, warnings.length], [readable + 2, 1]);
  }
});

const mapped = <A, B>(record: Readonly<Record<string, A>>, fn: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value)]));

test("an image whose label is lost with the rest of its shard is lost too", () => {
  const labelled = tarFile([
    { name: "1.png", content: png },
    { name: "1.cls", content: "1" },
    { name: "2.png", content: png },
    { name: "2.cls", content: "0" },
  ]);
  const atLastLabel = 512 + 512 + 512 + 512 + 512 + 512;
  const folder = tempFolder({ "cut.tar": labelled.subarray(0, atLastLabel + 100), "good.tar": labelled });
  const source = webDataset([join(folder, "cut.tar"), join(folder, "good.tar")]);
  assert.equal([...source.labels!], [1, 1, 1, 0]); // the second is what is lost
  assert.equal(
    [source.path(0), source.path(1)].map((path) => path.split("#")[1]),
    ["1.png", "(rest)"],
  );
});

test("shards that are all damaged, one that is compressed or missing, and shards without images, are errors with the name", () => {
  const folder = tempFolder({
    "good.tar": whole,
    "zip.tar": Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(600)]),
    "gz.tar": Buffer.from([0x1f, 0x8b, 8, 0]),
    "none.tar": tarFile([{ name: "1.txt" }]),
    "empty.tar": "",
  });
  const message = (...names: string[]) => {
    try {
      webDataset(names.map((name) => join(folder, name)));
    } catch (error) {
      assert.instance(error, DataError);
      return (error as Error).message;
    }
    throw new Error(`${names} were opened`);
  };
  assert.match(message("zip.tar", "empty.tar"), /^wds: .*zip\.tar: at byte 0 the checksum of a header is wrong/);
  assert.match(message("good.tar", "gz.tar"), /gz\.tar is compressed by gzip, .*gunzip/);
  assert.match(message("good.tar", "absent.tar"), /absent\.tar cannot be read \(ENOENT\)/);
  assert.match(message("none.tar"), /no images in the 1 shards/);
});

test("a shard that changes or goes while it is used breaks its images with their names", async () => {
  const [path] = shards([{ name: "1.png", content: png }]);
  const source = webDataset([path]);
  truncateSync(path, 520);
  assert.match(await failure(source.read(0)), /shard-0\.tar#1\.png: the shard has become shorter/);
  unlinkSync(path);
  assert.match(await failure(source.read(0)), /1\.png: the shard cannot be read \(ENOENT\)/);
});

test("a fingerprint follows shards, names, sizes and labels, not the place", () => {
  const print = (name: string, content: Uint8Array, label: string) =>
    webDataset(
      shards([
        { name: `${name}.png`, content },
        { name: `${name}.cls`, content: label },
      ]),
    ).fingerprint();
  const first = print("1", png, "0");
  assert.is(print("1", png, "0"), first);
  for (const other of [print("2", png, "0"), print("1", jpeg, "0"), print("1", png, "1")]) assert.is.not(other, first);
});
