import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { leaveOut, test } from "../support/test.js";
import { expectedHashes } from "./expected.js";
import { hosts } from "./host.js";
import { columns, verdictOf } from "./verdict.js";

for (const host of hosts) {
  const { name, setting, missing } = host;
  const place = setting ? `${name} (${setting.where}${setting.isolated ? ", isolated" : ""})` : name;
  const property = `${place} computes what every host computes, and trains to the committed bits`;
  if (missing) leaveOut(property, missing);
  else
    test(
      property,
      async () => {
        const { found } = await host.run();
        const verdict = verdictOf(host, found, expectedHashes());
        for (const column of columns) assert.ok(verdict[column].ok, `${column}: ${verdict[column].text}`);
      },
      { timeoutMs: 600_000 },
    );
}

test("docs/hosts.md has a row for every host, without a failure", () => {
  const text = readFileSync(new URL("../../../docs/hosts.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  for (const name of new Set(hosts.map(({ name }) => name))) {
    const row = rows.find((line) => line.startsWith(`| ${name} | `));
    assert.ok(row, `there is no row ${name}`);
    assert.is(row!.match(/✓/g)?.length, columns.length, row);
  }
});
