// Runs the conformance suite on every host and writes the tables of docs/hosts.md.
// Usage: npm run hosts [-- --update] [name ...]   with names, nothing is written; --update commits to new hashes first
import { readFileSync, writeFileSync } from "node:fs";
import { conformance } from "./conformance.js";
import { expectedHashes, writeExpectedHashes } from "./expected.js";
import { type Host, hosts } from "./host.js";
import { joined, markdownTable, type Row, withBlock } from "./table.js";
import { columns, verdictOf } from "./verdict.js";

const page = new URL("../../../docs/hosts.md", import.meta.url);
const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith("--"));
const known = new Set(hosts.map(({ name }) => name));
for (const arg of args)
  if (arg !== "--update" && !known.has(arg)) {
    console.error(`${arg}: expected --update, or names of hosts: ${[...known].join(", ")}`);
    process.exit(2);
  }

const placeOf = ({ name, setting }: Host) =>
  setting ? `${name}, ${setting.where}${setting.isolated ? ", isolated" : ""}` : name;

async function rowOf(host: Host): Promise<Row | null> {
  const place = placeOf(host);
  if (host.missing) {
    console.error(`${place}: ${host.missing}`);
    return null;
  }
  const start = performance.now();
  try {
    const { version, found } = await host.run();
    const verdict = verdictOf(host, found, expectedHashes());
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`${place} ${version} (${seconds} s)`);
    for (const column of columns)
      console.log(`  ${verdict[column].ok ? "ok  " : "FAIL"} ${column}: ${verdict[column].text}`);
    return { name: host.setting ? place.slice("Chromium, ".length) : place, version, verdict };
  } catch (error) {
    console.error(`${place}: ${(error as Error).message}`);
    return null;
  }
}

if (args.includes("--update")) writeExpectedHashes((await conformance(1)).hashes);
const wanted = hosts.filter(({ name }) => names.length === 0 || names.includes(name));
const rows: { host: Host; row: Row | null }[] = [];
for (const host of wanted) rows.push({ host, row: await rowOf(host) });

const complete = rows.every(({ row }) => row !== null);
if (complete && names.length === 0) {
  const own = rows.filter(({ host }) => !host.setting).map(({ row }) => row!);
  const chromium = rows.filter(({ host }) => host.setting).map(({ row }) => row!);
  const all = markdownTable("host", [...own, joined("Chromium", chromium)]);
  const places = markdownTable("Chromium", chromium);
  writeFileSync(page, withBlock(withBlock(readFileSync(page, "utf8"), "hosts", all), "chromium", places));
}
const passed = rows.every(({ row }) => row && columns.every((column) => row.verdict[column].ok));
process.exitCode = complete && passed ? 0 : 1;
