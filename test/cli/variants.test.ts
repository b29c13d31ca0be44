import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Call } from "../../src/cli/command.js";
import { Output } from "../../src/cli/output.js";
import { openVariants } from "../../src/cli/variants.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { imagesIn } from "../support/program.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const folder = tempFolder({
  "map.json": JSON.stringify({ cat: "left", 1: 1, bus: null, car: -1 }),
  "list.json": "[",
  "strange.json": JSON.stringify({ cat: "middle" }),
  "unknown.json": JSON.stringify({ cow: "left" }),
});
for (const name of ["b", "a/val"]) imagesIn(join(folder, "variants", name), 1);

class Quiet extends Output {
  readonly warnings: string[] = [];
  override warn(message: string): void {
    this.warnings.push(message);
  }
}

function open(name: string, classes: readonly string[], map?: string) {
  const output = new Quiet({ json: false, quiet: true });
  const call = { text: () => map && join(folder, map) } as Partial<Call> as Call;
  return { ...openVariants(join(folder, name), classes, { call, output }), warnings: output.warnings };
}

test("variants are the sub-folders in order of their names, with a folder of a split within or not", () => {
  const { sources, classOf } = open("variants", ["right", "other", "left"]);
  assert.equal([...sources.keys()], ["a", "b"]);
  for (const source of sources.values()) assert.equal(source.classes, ["left", "right"]);
  assert.equal([...classOf], [1, -1, 0]);
});

test("a map names classes or counts them, and may leave some out", () => {
  const { classOf } = open("variants", ["cat", "dog", "bus", "car", "tree"], "map.json");
  assert.equal([...classOf], [0, 1, -1, -1, -1]);
});

test("sub-folders without images are left out with a warning", () => {
  imagesIn(join(folder, "mixed", "good"), 1);
  mkdirSync(join(folder, "mixed", "fg_mask", "left"), { recursive: true });
  writeFileSync(join(folder, "mixed", "fg_mask", "left", "mask.npy"), "");
  const { sources, warnings } = open("mixed", ["left", "right"]);
  assert.equal([...sources.keys()], ["good"]);
  assert.match(warnings.join(), /no images in .*fg_mask.* Left out\.$/);
});

test("what does not fit is refused", () => {
  refuses(() => open("variants", ["cat"]), DataError, "has classes that the bank has not: left, right");
  refuses(() => open("variants", ["cat"], "list.json"), ConfigError, "cannot be read as JSON");
  refuses(() => open("variants", ["cat"], "strange.json"), ConfigError, 'maps cat to "middle"');
  refuses(() => open("variants", ["cat"], "unknown.json"), ConfigError, 'names "cow", which the bank has not');
  mkdirSync(join(folder, "empty"));
  refuses(() => open("empty", ["cat"]), DataError, "has no sub-folder with images");
  imagesIn(join(folder, "differing", "one"), 1);
  imagesIn(join(folder, "differing", "two", "sub"), 1);
  refuses(() => open("differing", ["left", "right", "sub"]), DataError, "differing/two has");
});
