import { join } from "node:path";
import * as assert from "uvu/assert";
import { cifar10, cifar100 } from "../../src/data/cifar.js";
import { DataError } from "../../src/errors.js";
import { cifarFile, cifarSample } from "../support/cifar-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const names = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

const files = {
  "data_batch_3.bin": cifarFile([[9], [0]], 10),
  "data_batch_1.bin": cifarFile([[3]], 0),
  "test_batch.bin": cifarFile([[1], [2]], 20),
  "batches.meta.txt": `${names.join("\n")}\n\n`,
  "readme.html": "<html>",
};
const folder = tempFolder(files);

test("training images come from whichever batch files are there, in the order of their numbers", async () => {
  const source = cifar10(folder, { split: "train" });
  assert.is(source.length, 3);
  assert.equal([...source.labels!], [3, 9, 0]);
  assert.equal(source.classes, names);
  assert.equal(
    [source.path(0), source.path(2)],
    [join(folder, "data_batch_1.bin#0"), join(folder, "data_batch_3.bin#1")],
  );
});

test("planes become interleaved pixels", async () => {
  const { width, height, channels, data } = await cifar10(folder, { split: "train" }).read(2);
  assert.equal([width, height, channels, data.length], [32, 32, 3, 3072]);
  for (const position of [0, 1, 32, 1023]) {
    const expected = [0, 1, 2].map((plane) => cifarSample(11, plane, position));
    assert.equal([...data.subarray(3 * position, 3 * position + 3)], expected);
  }
});

test("the test split is its own file, and no split is everything", async () => {
  assert.equal([...cifar10(folder, { split: "test" }).labels!], [1, 2]);
  const all = cifar10(folder);
  assert.equal([...all.labels!], [3, 9, 0, 1, 2]);
  assert.is((await all.read(4)).data[0], cifarSample(21, 0, 0));
});

test("the folder that the published archive makes is found from the one around it", () => {
  const outer = tempFolder({ "cifar-10-batches-bin/test_batch.bin": files["test_batch.bin"] });
  assert.is(cifar10(outer).length, 2);
});

test("without a file of names, or with a wrong one, classes are numbers", () => {
  const numbers = Array.from({ length: 10 }, (_, i) => String(i));
  assert.equal(cifar10(tempFolder({ "test_batch.bin": files["test_batch.bin"] })).classes, numbers);
  const odd = tempFolder({ "test_batch.bin": files["test_batch.bin"], "batches.meta.txt": "one\ntwo\n" });
  assert.equal(cifar10(odd).classes, numbers);
});

test("CIFAR-100 has its fine labels", async () => {
  const fine = Array.from({ length: 100 }, (_, i) => `fine ${i}`).join("\n");
  const source = cifar100(
    tempFolder({
      "train.bin": cifarFile([
        [19, 99],
        [0, 5],
      ]),
      "fine_label_names.txt": fine,
    }),
    { split: "train" },
  );
  assert.equal([...source.labels!], [99, 5]);
  assert.is(source.classes[99], "fine 99");
  assert.is((await source.read(1)).data[1], cifarSample(1, 1, 0));
});

test("a fingerprint follows names, sizes and labels, not the place", () => {
  const print = cifar10(folder).fingerprint();
  assert.is(cifar10(tempFolder(files)).fingerprint(), print);
  assert.is.not(cifar10(folder, { split: "train" }).fingerprint(), print);
  const relabelled = tempFolder({ ...files, "test_batch.bin": cifarFile([[1], [3]], 20) });
  assert.is.not(cifar10(relabelled).fingerprint(), print);
});

const faults: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "a folder that is not there",
    () => cifar10("/no/such/folder"),
    /cannot read the folder \/no\/such\/folder \(ENOENT\)/,
  ],
  [
    "a folder without the files",
    () => cifar10(tempFolder({ a: "" }), { split: "train" }),
    /no data_batch_1\.bin \.\.\. .*\(1 entries there\)/,
  ],
  ["a missing split", () => cifar10(tempFolder({ "test_batch.bin": "" }), { split: "train" }), /no data_batch_1\.bin/],
  ["an empty file", () => cifar10(tempFolder({ "test_batch.bin": "" })), /test_batch\.bin has 0 bytes/],
  [
    "half a record",
    () => cifar10(tempFolder({ "test_batch.bin": new Uint8Array(4000) })),
    /has 4000 bytes, not a whole number of records of 3073/,
  ],
  [
    "a label that does not exist",
    () => cifar10(tempFolder({ "test_batch.bin": cifarFile([[0], [10]]) })),
    /#1 has label 10, expected less than 10/,
  ],
  [
    "CIFAR-100 taken for CIFAR-10",
    () => cifar10(tempFolder({ "test_batch.bin": cifarFile([[1, 40]]) })),
    /not a whole number of records/,
  ],
];

for (const [fault, open, message] of faults) {
  test(`${fault} is an error that says what was found`, () => {
    assert.throws(open, (error: Error) => error instanceof DataError && message.test(error.message));
  });
}
