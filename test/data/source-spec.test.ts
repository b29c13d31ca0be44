import { basename, dirname, relative } from "node:path";
import * as assert from "uvu/assert";
import { absoluteSpec, openSource, parseSourceSpec } from "../../src/data/source-spec.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { cifarFile } from "../support/cifar-files.js";
import { imageFixture } from "../support/image-fixtures.js";
import { tarFile } from "../support/tar-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const parsed: readonly (readonly [string, ReturnType<typeof parseSourceSpec>])[] = [
  ["images/train", { kind: "folder", path: "images/train", split: null, range: null }],
  ["folder:a b/c", { kind: "folder", path: "a b/c", split: null, range: null }],
  ["cifar10:DIR#train@0..2000", { kind: "cifar10", path: "DIR", split: "train", range: [0, 2000] }],
  ["cifar100:/x#test", { kind: "cifar100", path: "/x", split: "test", range: null }],
  ["mnist", { kind: "mnist", path: "", split: null, range: null }],
  ["mnist#test@10..20", { kind: "mnist", path: "", split: "test", range: [10, 20] }],
  ["./mnist", { kind: "folder", path: "./mnist", split: null, range: null }],
  ["C:\\photos", { kind: "folder", path: "C:\\photos", split: null, range: null }],
  ["me@home/c#/x", { kind: "folder", path: "me@home/c#/x", split: null, range: null }],
  ["list:a/b.txt", { kind: "list", path: "a/b.txt", split: null, range: null }],
  ["glob:p/**/*.{jpg,png}@0..9", { kind: "glob", path: "p/**/*.{jpg,png}", split: null, range: [0, 9] }],
  ["idx:mnist#test", { kind: "idx", path: "mnist", split: "test", range: null }],
  ["wds:s-{000..009}.tar@0..5", { kind: "wds", path: "s-{000..009}.tar", split: null, range: [0, 5] }],
  ["parquet:data#train", { kind: "parquet", path: "data", split: "train", range: null }],
  ["../up@1..2", { kind: "folder", path: "../up", split: null, range: [1, 2] }],
];

for (const [spec, expected] of parsed) {
  test(`${spec} is ${expected.kind} ${expected.path}`, () => {
    assert.equal(parseSourceSpec(spec), expected);
  });
}

const refused: readonly (readonly [string, RegExp])[] = [
  ["cifar:DIR", /the kind cifar is unknown\. Write folder:DIR \(or just DIR\), list:FILE, .*, mnist\./],
  ["toString:x", /the kind toString is unknown/],
  ["wds:", /a path is missing\. Write for example wds:SHARDS/],
  ["", /a path is missing/],
  ["folder:", /a path is missing\. Write for example folder:DIR/],
  ["cifar10:#train", /a path is missing\. Write for example cifar10:DIR/],
  ["mnist:x", /mnist takes no path/],
  ["a#val", /no split #val\. Write #train or #test/],
  ["a#", /no split #/],
  ["a@5..2", /@5\.\.2 is not a range/],
  ["a@5..5", /is not a range/],
  ["a@-1..5", /is not a range/],
  ["a@1..x", /is not a range/],
  ["a@..", /is not a range/],
];

for (const [spec, message] of refused) {
  test(`the spec "${spec}" is refused with what to write`, () => {
    assert.throws(
      () => parseSourceSpec(spec),
      (error: Error) =>
        error instanceof ConfigError && message.test(error.message) && error.message.includes(`"${spec}"`),
    );
  });
}

const png = imageFixture("png-suite/basn2c08.png");
const folder = tempFolder({
  "train/a/1.png": png,
  "train/a/2.png": png,
  "train/b/3.png": png,
  "test/a/4.png": png,
  "bin/data_batch_1.bin": cifarFile([[3], [4], [5]]),
  "bin/test_batch.bin": cifarFile([[1]]),
  "list.txt": "train/a/1.png\ttrain\ntest/a/4.png\ttest\n",
  "wds/train-0.tar": tarFile([
    { name: "1.png", content: png },
    { name: "2.png", content: png },
  ]),
  "wds/val-0.tar": tarFile([{ name: "3.png", content: png }]),
  "idx/train-images-idx3-ubyte": Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 8]),
});

async function failure(spec: string, options = {}): Promise<Error> {
  try {
    await openSource(spec, options);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${spec} was opened`);
}

test("a spec opens the split that it names, else the default one, else everything", async () => {
  const lengths = async (spec: string) => {
    const options = [{}, { split: "train" }, { split: "test" }] as const;
    return Promise.all(options.map(async (option) => (await openSource(spec, option)).length));
  };
  assert.equal(await lengths(`cifar10:${folder}/bin`), [4, 3, 1]);
  assert.equal(await lengths(`cifar10:${folder}/bin#test`), [1, 1, 1]);
  assert.equal(await lengths(folder), [4, 3, 1]);
  assert.equal(await lengths(`folder:${folder}#train`), [3, 3, 3]);
  assert.is((await openSource("mnist", { split: "test" })).length, 2000);
});

test("lists, patterns, IDX files and shards are opened by their kind", async () => {
  const lengthOf = async (spec: string, options = {}) => (await openSource(spec, options)).length;
  assert.is(await lengthOf(`list:${folder}/list.txt`, { split: "train" }), 2);
  assert.is(await lengthOf(`glob:${folder}/t*/**/*.png`), 4);
  assert.is(await lengthOf(`idx:${folder}/idx#train@1..2`), 1);
  assert.is(await lengthOf(`wds:${folder}/wds/{train,val}-0.tar`), 3);
  assert.is(await lengthOf(`wds:${folder}/wds`, { split: "test" }), 1);
  assert.match((await failure(`parquet:${folder}/list.txt`)).message, /is no Parquet file/);
});

test("a list and a pattern have no splits, and say so", async () => {
  const message = async (spec: string, options = {}) => {
    const error = await failure(spec, options);
    assert.instance(error, DataError);
    return error.message;
  };
  assert.match(
    await message(`list:${folder}/list.txt#train`),
    /list\.txt has no train split; a list is always taken whole/,
  );
  assert.match(await message(`glob:${folder}/**/*.png`, { split: "test" }), /has no test split; a glob is always/);
});

test("patterns are looked up in the data folder, and made absolute where they match", async () => {
  const dataFolder = dirname(folder);
  const pattern = `${basename(folder)}/wds/*-{0..0}.tar`;
  assert.is((await openSource(`wds:${pattern}`, { dataFolder })).length, 3);
  assert.is(absoluteSpec(`wds:${pattern}#train@0..1`, dataFolder), `wds:${dataFolder}/${pattern}#train@0..1`);
  assert.is(absoluteSpec(folder), `folder:${folder}`);
  assert.is(absoluteSpec("mnist#train"), "mnist#train");
  assert.match((await failure(`wds:${pattern}x`, { dataFolder })).message, /wds: no file .*\*-\{0\.\.0\}\.tarx/);
});

test("a range counts within the split", async () => {
  const source = await openSource(`cifar10:${folder}/bin#train@1..3`);
  assert.equal([...source.labels!], [4, 5]);
  const error = await failure(`${folder}#train@0..4`);
  assert.instance(error, DataError);
  assert.match(error.message, /has 3 images, so @0\.\.4/);
});

test("relative paths are looked up in the data folder first, then in the working folder", async () => {
  const dataFolder = dirname(folder);
  const name = basename(folder);
  assert.is((await openSource(name, { dataFolder })).length, 4);
  assert.is((await openSource(`cifar10:${name}/bin`, { dataFolder })).length, 4);
  assert.is((await openSource(relative(process.cwd(), folder), { dataFolder: tempFolder() })).length, 4);
  const before = process.env.POA_DATA;
  process.env.POA_DATA = dataFolder;
  try {
    assert.is((await openSource(`${name}#test`)).length, 1);
  } finally {
    if (before === undefined) delete process.env.POA_DATA;
    else process.env.POA_DATA = before;
  }
});

test("data that is not there is an error that names every place looked at", async () => {
  const error = await failure("no-such-folder", { dataFolder: "/some/base" });
  assert.instance(error, DataError);
  assert.match(error.message, /some.base.no-such-folder and no-such-folder do not exist/);
  assert.match((await failure("cifar10:/no/such", {})).message, /\/no\/such does not exist/);
});

test("decoding options reach the images of a folder", async () => {
  const source = await openSource(`${folder}#train`, { channels: 1 });
  assert.is((await source.read(0)).channels, 1);
});
