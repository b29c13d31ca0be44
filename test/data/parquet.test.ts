import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import * as assert from "uvu/assert";
import { batches } from "../../src/data/loader.js";
import { type ParquetOptions, parquetImages } from "../../src/data/parquet.js";
import { DataError } from "../../src/errors.js";
import { imageFixture } from "../support/image-fixtures.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png"); // 32x32
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");
const webp = imageFixture("webp/dark.webp"); // 1x1

type Cell = { bytes: Uint8Array | null; path: string | null };

const cell = (bytes: Uint8Array | null, path: string | null = null): Cell => ({ bytes, path });

const labelType = { name: "label", type: "INT64" } as const;

/** A file in the layout of the library `datasets`. */
function file(
  images: readonly Cell[],
  labels: readonly (bigint | null)[] | null,
  { imageName = "image", names = null as string[] | null, rowGroupSize = 2, codec = "SNAPPY" as const } = {},
): Uint8Array {
  const schema: SchemaElement[] = [
    { name: "root", num_children: labels ? 2 : 1 },
    { name: imageName, num_children: 2, repetition_type: "OPTIONAL" },
    { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
    { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    ...(labels ? [{ ...labelType, repetition_type: "OPTIONAL" } as const] : []),
  ];
  const columnData = [
    { name: imageName, data: [...images] },
    ...(labels ? [{ name: "label", data: [...labels] }] : []),
  ];
  const features = { label: { names, _type: "ClassLabel" }, [imageName]: { _type: "Image" } };
  const kvMetadata = [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }];
  return new Uint8Array(
    parquetWriteBuffer({ columnData, schema, rowGroupSize, codec, kvMetadata: names ? kvMetadata : [] }),
  );
}

async function opened(files: Readonly<Record<string, Uint8Array>>, options: ParquetOptions = {}) {
  const folder = tempFolder(files);
  const paths = Object.keys(files).map((name) => join(folder, name));
  return { paths, source: await parquetImages(paths, options) };
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was read");
}

test("rows of several files and row groups are images with the labels and class names stored beside them", async () => {
  const { paths, source } = await opened({
    "train-0.parquet": file([cell(png), cell(jpeg, "a.jpg"), cell(webp)], [1n, 0n, 1n], {
      names: ["cat", "dog", "emu"],
    }),
    "train-1.parquet": file([cell(webp)], [0n], { names: ["cat", "dog", "emu"] }),
  });
  assert.equal(
    [[...source.labels!], source.classes],
    [
      [1, 0, 1, 0],
      ["cat", "dog", "emu"],
    ],
  );
  const widths = [];
  for (const index of [3, 0, 2, 1]) widths.push((await source.read(index)).width);
  assert.equal(widths, [1, 32, 1, 17]);
  assert.equal([source.path(2), source.path(3)], [`${paths[0]}#2`, `${paths[1]}#0`]);
});

test("without names classes are numbers, a label of -1 is none, and the column may be missing", async () => {
  const labelled = (labels: bigint[] | null) => opened({ "a.parquet": file([cell(png), cell(png)], labels) });
  assert.equal((await labelled([2n, 0n])).source.classes, ["0", "1", "2"]);
  assert.is((await labelled([-1n, -1n])).source.labels, null);
  assert.is((await labelled(null)).source.labels, null);
  assert.match(await failure(labelled([0n, -1n])), /a\.parquet#1: has no label, 1 of the 2/);
  assert.match(await failure(labelled([0n, -2n])), /the label -2 is neither a whole number from 0 nor text/);
});

test("plain columns of bytes and labels as text are read, under names that are given", async () => {
  const bytes = new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "picture", data: [png, jpeg], type: "BYTE_ARRAY" },
        { name: "thumbnail", data: [webp, webp], type: "BYTE_ARRAY" },
        { name: "species", data: ["dog", "cat"], type: "STRING" },
      ],
    }),
  );
  const { source } = await opened({ "a.parquet": bytes }, { imageColumn: "thumbnail", labelColumn: "species" });
  assert.equal([source.classes, [...source.labels!], (await source.read(1)).width], [["cat", "dog"], [1, 0], 1]);
});

test("a wrong column is an error that lists the columns", async () => {
  const content = { "a.parquet": file([cell(png)], [0n], { imageName: "photo" }) };
  assert.is((await opened(content)).source.length, 1); // the only column of that kind
  const columns = /Its columns: photo \(group of bytes and path\), label \(int64\)/;
  assert.match(await failure(opened(content, { imageColumn: "image" })), /has no column image of images/);
  assert.match(await failure(opened(content, { imageColumn: "image" })), columns);
  assert.match(
    await failure(opened(content, { imageColumn: "label" })),
    /has no encoded images .* in its column label/,
  );
  assert.match(await failure(opened(content, { labelColumn: "class" })), /has no column class of labels/);
});

test("a row without bytes is a broken image, its neighbours are read", async () => {
  const { source } = await opened({
    "a.parquet": file([cell(null, "x.png"), cell(png), cell(new Uint8Array())], null, { rowGroupSize: 3 }),
  });
  assert.match(await failure(Promise.resolve(source.read(0))), /a\.parquet#0: the row has no bytes/);
  assert.is((await source.read(1)).width, 32);
  assert.match(await failure(Promise.resolve(source.read(2))), /a\.parquet#2: is empty/);
});

test("a damaged page breaks the rows of its group, which are told one by one; those of other groups are read", async () => {
  const bytes = file(
    [png, png, jpeg, jpeg, webp].map((image) => cell(image)),
    null,
    { codec: "SNAPPY" },
  );
  // The second group's page begins with the length of its content, which no longer fits.
  const at = Buffer.from(bytes).indexOf(Buffer.from(jpeg.subarray(0, 24)));
  assert.ok(at > 0);
  bytes.fill(0xff, at - 12, at - 4);
  const { source } = await opened({ "a.parquet": bytes });
  const [warnings, widths]: [string[], number[]] = [[], []];
  const options = { batchSize: 5, passes: 1, shuffle: false, broken: "skip", dropLast: false } as const;
  for await (const { images } of batches(source, { ...options, onWarning: (text) => warnings.push(text) }))
    widths.push(...images.map(({ width }) => width));
  assert.equal(widths, [32, 32, 1]);
  assert.is(warnings.length, 2);
  for (const [i, warning] of warnings.sort().entries())
    assert.match(
      warning,
      new RegExp(`a\\.parquet#${2 + i}: .*row group 1, column image: it is damaged \\(.*\\)\\. Copy or`),
    );
  const strict = batches(source, { ...options, broken: "throw" })
    [Symbol.asyncIterator]()
    .next();
  assert.match(await failure(strict), /row group 1, column image: it is damaged/);
});

test("row groups are read when they are needed, and no more of them are kept than asked for", async () => {
  const images = Array.from({ length: 6 }, () => cell(png));
  const { paths, source } = await opened({ "a.parquet": file(images, null) }, { cacheBytes: 0 });
  const [all, none] = [await opened({ "a.parquet": file(images, null) }), source];
  await Promise.all([0, 1, 2, 3].map((index) => all.source.read(index)));
  await Promise.all([0, 1, 2, 3].map((index) => none.read(index)));
  for (const path of [all.paths[0], paths[0]]) unlinkSync(path);
  for (const index of [0, 1, 2, 3]) assert.is((await all.source.read(index)).width, 32);
  assert.is((await none.read(3)).width, 32); // the group in use
  assert.match(await failure(Promise.resolve(none.read(0))), /a\.parquet#0: .*cannot be read \(ENOENT\)/);
  assert.match(await failure(Promise.resolve(all.source.read(5))), /cannot be read \(ENOENT\)/);
});

test("files written by another program with other compressions are read", async () => {
  const { source } = await opened({ "a.parquet": gzipped() });
  assert.is((await source.read(0)).width, 32);
});

function gzipped(): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [{ name: "image", data: [png], type: "BYTE_ARRAY" }],
      codec: "GZIP",
      compressors: { GZIP: (input) => new Uint8Array(gzipSync(input)) },
    }),
  );
}

test("what is no Parquet file, is empty or not there is named", async () => {
  assert.match(await failure(opened({ "a.parquet": png })), /a\.parquet is no Parquet file, or a damaged one/);
  assert.match(await failure(opened({ "a.parquet": new Uint8Array() })), /is no Parquet file/);
  const whole = file([cell(png)], [0n]);
  assert.match(await failure(opened({ "a.parquet": whole.subarray(0, whole.length - 20) })), /is no Parquet file/);
  assert.match(await failure(parquetImages(["/no/such.parquet"])), /such\.parquet cannot be read \(ENOENT\)/);
});

test("after any change of bytes a file is read or refused, and nothing else happens", async () => {
  const valid = file([cell(png), cell(webp)], [0n, 1n]);
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  const folder = tempFolder();
  const path = join(folder, "a.parquet");
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bytes = valid.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      writeFileSync(path, bytes);
      try {
        const source = await parquetImages([path]);
        for (let i = 0; i < Math.min(source.length, 2); i++) await source.read(i);
      } catch (error) {
        assert.instance(error, DataError);
      }
    }),
    { numRuns: 150 },
  );
});

test("a fingerprint follows sizes, rows and labels, not the place", async () => {
  const print = async (labels: bigint[], image = png) =>
    (await opened({ "a.parquet": file([cell(image), cell(png)], labels) })).source.fingerprint();
  const first = await print([0n, 1n]);
  assert.is(await print([0n, 1n]), first);
  assert.is.not(await print([1n, 0n]), first);
  assert.is.not(await print([0n, 1n], jpeg), first);
});
