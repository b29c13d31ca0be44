import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../examples/markdown.js";
import { test } from "../support/test.js";

test("an option that several verbs have is written once", () => {
  const folders = ["src/cli/commands", "src/cli"].map((folder) => join(root, folder));
  const lines = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n")),
  );
  const options = lines
    .map((line) => line.trim())
    .filter((line) => /^"?[a-z-]+"?: \{ (value|about): .*\},$/.test(line));
  assert.ok(options.length > 100, `${options.length} options are found`);
  assert.equal(
    options.filter((line, i) => options.indexOf(line) !== i),
    [],
  );
});
