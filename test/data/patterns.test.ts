import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expandPaths, isPattern, matchFiles } from "../../src/data/patterns.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("braces count with leading zeros, combine, and keep the order that they are written in", () => {
  assert.equal(expandPaths("s-{008..010}.tar", "wds"), ["s-008.tar", "s-009.tar", "s-010.tar"]);
  assert.equal(expandPaths("{b,a}{1..2}", "wds"), ["b1", "b2", "a1", "a2"]);
  assert.equal(expandPaths("plain.tar", "wds"), ["plain.tar"]);
});

test("braces that stand for very many paths are refused and not written out", () => {
  refuses(
    () => expandPaths("{0..9}{0..999999999}", "wds"),
    DataError,
    "wds: the braces stand for 100000 paths or more",
  );
});

test("a pattern is told from a path by its wildcards and braces", () => {
  assert.equal(["a/b.tar", "#a!b", "a*", "a?", "[a]", "{a}"].map(isPattern), [false, false, true, true, true, true]);
});

test("the part before the first wildcard is the base, dots at the start hide, loops of links end", () => {
  const folder = tempFolder({ "a/1.x": "", "a/.2.x": "", "a/b/3.x": "", "#c/!4.x": "" });
  mkdirSync(join(folder, "a", "loop"));
  symlinkSync(folder, join(folder, "a", "loop", "up"));
  const found = matchFiles(join(folder, "a", "**", "*.x"));
  assert.is(found.base, join(folder, "a"));
  assert.equal(
    found.files.map(({ path }) => path).filter((path) => !path.startsWith("loop")),
    ["1.x", "b/3.x"],
  );
  assert.equal(
    matchFiles(join(folder, "#c", "!*.x")).files.map(({ path }) => path),
    ["!4.x"],
  );
  assert.equal(matchFiles("no/such/*.x"), { base: "no/such", files: [] });
});
