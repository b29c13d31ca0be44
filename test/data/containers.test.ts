import { join } from "node:path";
import * as assert from "uvu/assert";
import { type ContainerOptions, containerFiles } from "../../src/data/containers.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const folder = tempFolder({
  "plain/shard-000.tar": "",
  "plain/shard-001.tar": "",
  "plain/shard-002.TAR": "",
  "plain/readme.md": "",
  "split/train-0.tar": "",
  "split/train-1.tar": "",
  "split/val-0.tar": "",
  "split/validation-0.tar": "",
});

function names(path: string, options: ContainerOptions = {}): string[] {
  return containerFiles("wds", join(folder, path), ".tar", options).map((file) => file.split(/[/\\]/).at(-1)!);
}

test("a file, a folder, braces and wildcards name containers", () => {
  assert.equal(names("plain/shard-001.tar"), ["shard-001.tar"]);
  assert.equal(names("plain"), ["shard-000.tar", "shard-001.tar", "shard-002.TAR"]);
  assert.equal(names("plain/shard-{001..000}.tar"), ["shard-001.tar", "shard-000.tar"]);
  assert.equal(names("plain/*.tar"), ["shard-000.tar", "shard-001.tar"]);
  assert.equal(names("{plain/shard-*,split/val-0}.tar"), ["shard-000.tar", "shard-001.tar", "val-0.tar"]);
});

test("a container that braces name must be there", () => {
  refuses(
    () => names("plain/shard-{000..003}.tar"),
    DataError,
    "shard-002.tar is not a file that is there (2 of 4 are missing)",
  );
  refuses(() => names("plain/x-*.tar"), DataError, "no file");
  refuses(() => names("x-{0..1000000000}.tar"), DataError, "100000 paths or more");
});

test("splits are told by the first word of a name", () => {
  assert.equal(names("split", { split: "train" }), ["train-0.tar", "train-1.tar"]);
  assert.equal(names("split", { split: "test" }), ["val-0.tar"]);
  assert.equal(names("split", { defaultSplit: "train" }), ["train-0.tar", "train-1.tar"]);
  assert.is(names("split").length, 4);
  assert.equal(names("plain", { defaultSplit: "train" }).length, 3);
  refuses(
    () => names("plain", { defaultSplit: "test" }),
    DataError,
    "has no test split (no file whose name starts with test, val",
  );
  refuses(() => names("split/val-*.tar", { split: "train" }), DataError, "there are 1: val-0.tar). Name the files");
});
