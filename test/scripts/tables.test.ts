import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../examples/markdown.js";
import { script } from "../support/script.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

type Figure = number | { value: number; low?: number; high?: number } | undefined;

interface Tables {
  cell(figures: readonly Figure[]): string;
  table(head: readonly string[], perSeed: readonly Readonly<Record<string, readonly Figure[]>>[]): string;
  expectPlaces(file: string, names: readonly string[]): void;
  writeTables(file: string, tables: Readonly<Record<string, string>>): void;
}

const { cell, table, expectPlaces, writeTables } = await script<Tables>("tables.mjs");

test("a figure of one seed stands with its interval, of several with their standard deviation", () => {
  assert.is(cell([0.4275]), "0.427");
  assert.is(cell([{ value: 0.4, low: 0.35, high: 0.45 }]), "0.400 (0.350 to 0.450)");
  assert.is(cell([1, 2, 3]), "2.000 ± 1.000");
  assert.is(cell([{ value: 0.1, low: 0, high: 1 }, 0.3]), "0.200 ± 0.141");
  assert.is(cell([undefined]), "");
  assert.is(cell([0.5, undefined]), "");
});

test("a table has a row for each name, in the order of the first seed", () => {
  assert.is(
    table(
      ["network", "random", "trained"],
      [
        { small: [0.1, 0.2], pixels: [undefined, 0.25] },
        { pixels: [undefined, 0.25], small: [0.3, 0.2] },
      ],
    ),
    [
      "| network | random | trained |",
      "| --- | --- | --- |",
      "| small | 0.200 ± 0.141 | 0.200 ± 0.000 |",
      "| pixels |  | 0.250 ± 0.000 |",
    ].join("\n"),
  );
});

test("tables go between their marks, again and again, and nothing else changes", () => {
  const text = "a\n<!-- table one -->\nold\n<!-- end of table -->\nb\n<!-- table two --><!-- end of table -->\nc $&\n";
  const file = join(tempFolder({ "page.md": text }), "page.md");
  const both = { one: "| $& |", two: "| 2 |" };
  for (let times = 0; times < 2; times++) {
    writeTables(file, both);
    assert.is(
      readFileSync(file, "utf8"),
      "a\n<!-- table one -->\n\n| $& |\n\n<!-- end of table -->\nb\n<!-- table two -->\n\n| 2 |\n\n<!-- end of table -->\nc $&\n",
    );
  }
  writeTables(file, { two: "| 3 |" });
  assert.match(readFileSync(file, "utf8"), /\| \$& \|[\s\S]*\| 3 \|/);
});

test("a document without a place for a table is refused with the lines to put there", () => {
  const file = join(
    tempFolder({ "page.md": "<!-- table one -->\n<!-- end of table -->\n<!-- table two -->\n" }),
    "page.md",
  );
  expectPlaces(file, ["one"]);
  assert.throws(
    () => expectPlaces(file, ["one", "two", "three"]),
    /no place for two, three\. Put these lines there first:\n<!-- table two -->\n<!-- end of table -->\n<!-- table three -->/,
  );
});

test("docs/results.md has a place for every table of both scripts, which name them in their help", () => {
  for (const name of ["results.mjs", "claims.mjs"]) {
    const { stdout, status } = spawnSync(process.execPath, [join(root, "scripts", name), "--help"], {
      encoding: "utf8",
    });
    assert.is(status, 0);
    const tables = /--only LIST +some of (.*)/.exec(stdout)![1].split(", ");
    assert.ok(tables.length >= 4, stdout);
    expectPlaces(join(root, "docs/results.md"), tables);
  }
});

test("options that cannot be meant are refused with the usage, before anything is computed", () => {
  const cases: [string[], RegExp][] = [
    [[], /--data, or POA_DATA, names the folder/],
    [["--data", "x", "--only", "lambda,mu"], /--only mu: there are alone, lambda, scale, parts\./],
    [["--data", "x", "--seeds", "a"], /--seeds a: expected numbers/],
    [["--data", "x", "--jobs", "0"], /--jobs 0: expected a whole number above 0/],
    [["--data", "x", "--length", "2"], /--length 2: expected/],
    [["--data", "x", "--lenght", "1"], /--lenght/],
  ];
  const { POA_DATA: _, ...env } = process.env;
  for (const [args, message] of cases) {
    const { stderr, status } = spawnSync(process.execPath, [join(root, "scripts/claims.mjs"), ...args], {
      ...{ encoding: "utf8", env, cwd: tempFolder() },
    });
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /npm run claims -- --data DIR/);
  }
});
