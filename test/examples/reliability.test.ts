import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { test } from "../support/test.js";
import { documents, root } from "./markdown.js";

/** Cases whose part is not built. */
const WITHOUT_TEST: string[] = [];

const CASES = 32;

interface Line {
  readonly number: string;
  readonly file: string;
  readonly name: string;
  readonly runBy: string;
}

const { text } = documents().find(({ path }) => path === "docs/reliability.md")!;
const rows = [...text.matchAll(/^\| (\d+|–) \| (.*?) \| (.*) \| (.*?) \|$/gm)].map((row) => row.slice(1));
const lines: Line[] = rows.flatMap(([number, , cell, runBy]) => {
  const named = /^(test\/\S+\.ts): "(.*)"$/.exec(cell);
  return named ? [{ number, file: named[1], name: named[2], runBy }] : [];
});

/** Patterns of the names of the tests in a file, literal or of a constant; what is put into a name stands for any text. */
function namesIn(file: string): RegExp[] {
  const source = readFileSync(join(root, file), "utf8");
  return [
    ...source.matchAll(/(?:[tT]est|inBrowser|withCollection)\(\s*(["'`])(.*?)\1,|const [A-Z_]+ =\s*(")(.*?)";/g),
  ].map(([, , literal, , named]) => {
    const name = literal ?? named;
    const parts = name.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".+")}$`);
  });
}

test("docs/reliability.md has a line for every case, and tests for all but those whose part is not built", () => {
  const numbers = [...new Set(rows.map(([number]) => number))].filter((number) => number !== "–");
  assert.equal(
    numbers,
    Array.from({ length: CASES }, (_, i) => String(i + 1)),
  );
  const tested = new Set(lines.map(({ number }) => number));
  assert.equal(
    numbers.filter((number) => !tested.has(number)),
    WITHOUT_TEST,
  );
});

test("every test that docs/reliability.md names is in its file, and run by the command that it says", () => {
  const problems = lines.flatMap(({ file, name, runBy }) => {
    if (!existsSync(join(root, file))) return [`there is no ${file}`];
    const [, kind] = /\.(\w+)\.ts$/.exec(file)!;
    const command = { test: "`npm test`", slow: "`npm run test:slow`", long: "`npm run test:long`" }[kind];
    if (runBy !== command) return [`${file} is run by ${command}`];
    return namesIn(file).some((pattern) => pattern.test(name)) ? [] : [`${file} has no test "${name}"`];
  });
  assert.equal(problems, []);
});
