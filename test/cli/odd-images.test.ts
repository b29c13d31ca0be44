import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import * as assert from "uvu/assert";
import { imageFixture, pixels, pngFile, pngHeader } from "../support/image-fixtures.js";
import { mixedFolder } from "../support/mixed-folder.js";
import { expectedImages } from "../support/odd-images.js";
import { expectCode, expectExit, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
const photo = imageFixture("jpeg-odd/hopper.jpg");

/** The photo with one flipped bit that its decoder notices. */
async function bitFlipped(): Promise<Uint8Array> {
  for (let at = photo.length >> 1; ; at++) {
    const flipped = photo.slice();
    flipped[at] ^= 0x40;
    if (await pixels(flipped).then(() => false, () => true)) return flipped; // biome-ignore format: one condition
  }
}

/** A frame header of 65500x65500 pixels in place of its own 128x128. */
function huge(): Uint8Array {
  const hex = Buffer.from(photo).toString("hex");
  assert.match(hex, /ffc000110800800080/);
  return Buffer.from(hex.replace("ffc000110800800080", "ffc0001108ffdcffdc"), "hex");
}

/** By path, with the reason that is told. */
const broken: Readonly<Record<string, readonly [Uint8Array | string, RegExp]>> = {
  "left/half.jpg": [photo.subarray(0, photo.length >> 1), /cut off before its end marker/],
  "left/no-end.jpg": [photo.subarray(0, -2), /cut off before its end marker/],
  "left/flipped.jpg": [await bitFlipped(), /is a JPEG file, but its compressed data is damaged|cut off|JPEG/],
  "left/endless.jpg": [Buffer.from("ffd8ffc1f151d800ff51d800ffdaffde", "hex"), /cut off before its end marker/],
  "right/arithmetic.jpg": [imageFixture("jpeg-odd/testimgari.jpg"), /is arithmetic-coded, which is not supported/],
  "right/huge.jpg": [huge(), /65500x65500 is more than 100000000 pixels/],
  "right/page.jpg": ["<!doctype html><title>404</title>", /is an HTML page, not an image/],
  "right/empty.png": ["", /is empty \(0 bytes\)/],
  "right/bomb.png": [
    pngFile(["IHDR", pngHeader(12_000, 12_000, 8, 2)], ["IDAT", deflateSync(Buffer.alloc(2 ** 20))]),
    /12000x12000 is more than/,
  ],
  "right/two\nlines.png": ["nothing", /is not an image in a known format/],
};

/** Unusual, and read. */
const odd: Readonly<Record<string, Uint8Array>> = {
  "left/really a png.jpg": imageFixture("png-suite/basn2c08.png"),
  "left/really-webp.png": imageFixture("webp/hopper.webp"),
  "right/cmyk.jpg": imageFixture("jpeg-odd/pil_sample_cmyk.jpg"),
  "right/ünï-16.png": imageFixture("png-suite/basi2c16.png"),
};

const { folder, settings, files } = mixedFolder((path) => {
  for (const [name, [content]] of Object.entries(broken)) writeFileSync(join(path, name), content);
  for (const [name, content] of Object.entries(odd)) writeFileSync(join(path, name), content);
});
const printed = (name: string) => join(folder, name).replace("\n", "\\u000a");
const args = ["pretrain", "--config", "tiny.yaml", "--data", folder, "--json"];

test("a run over broken and odd images among good ones ends well, names each broken one once, and counts them", async () => {
  const { result, events, stderr } = await expectExit(0, [...args, "--out", "mixed", ...settings], { cwd });
  assert.equal([result.broken, result.imagesSeen], [Object.keys(broken).length, files]);
  const warnings = stderr.split("\n").filter((line) => line.startsWith("warning: "));
  for (const [name, [, reason]] of Object.entries(broken)) {
    const about = warnings.filter((line) => line.startsWith(`warning: ${printed(name)}: `));
    assert.is(about.length, 1, `${name}\n${stderr}`);
    assert.match(about[0], reason);
    assert.match(about[0], / Left out\.$/);
  }
  const notes = ["left/really a png.jpg: is PNG although", "left/really-webp.png: is WebP although"];
  for (const note of notes) assert.is(stderr.split(join(folder, note)).length, 2, note);
  assert.ok(events.filter(({ event }) => event === "warning").length >= Object.keys(broken).length);
});

test("with --strict such a run ends with 3 at a broken image, and check lists all of them", async () => {
  const { stderr } = await expectCode(3, [...args, "--out", "strict", "--strict", ...settings], { cwd });
  const named = Object.keys(broken).filter((name) => stderr.includes(`error: ${printed(name)}: `));
  assert.is(named.length, 1, stderr);
  const { result } = await expectCode(3, ["check", "--data", folder, "--json"], { cwd });
  const found = result.broken as { path: string; reason: string }[];
  assert.equal(
    found.map(({ path }) => path).sort(),
    Object.keys(broken)
      .map((name) => join(folder, name))
      .sort(),
  );
  for (const { path, reason } of found) assert.match(reason, broken[path.slice(folder.length + 1)][1]);
  assert.is(result.count, files - found.length);
});

test("a run over the whole collection of unusual files among good images ends well, and names each broken file once", async () => {
  const collection = fileURLToPath(new URL("../../../test/fixtures/images", import.meta.url));
  const mixed = mixedFolder((path) => symlinkSync(collection, join(path, "odd")));
  const own = ["pretrain", "--config", "tiny.yaml", "--data", mixed.folder, "--out", "collection", "--json"];
  const { result, stderr } = await expectExit(0, [...own, ...mixed.settings], { cwd });
  const refused = expectedImages(collection).filter(({ decodes }) => !decodes);
  assert.equal([result.imagesSeen, result.broken], [mixed.files, refused.length]);
  for (const { path } of refused)
    assert.is(stderr.split(`warning: ${join(mixed.folder, "odd", path)}: `).length, 2, `${path}\n${stderr}`);
});
