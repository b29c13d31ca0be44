import { readFileSync, writeFileSync } from "node:fs";
import type { RunName } from "./fifty-steps.js";

const file = new URL("../../../test/fixtures/hosts/fifty-steps.json", import.meta.url);

interface Fixture {
  readonly origin: string;
  readonly hashes: Readonly<Record<RunName, string>>;
}

/** The committed hashes of all weights after fifty steps. */
export function expectedHashes(): Fixture["hashes"] {
  return (JSON.parse(readFileSync(file, "utf8")) as Fixture).hashes;
}

/** Commits to others, after a change that is meant to change what is computed. */
export function writeExpectedHashes(hashes: Fixture["hashes"]): void {
  const origin =
    "SHA-256 of all weights, centres and moments after the fifty steps of test/hosts/fifty-steps.ts; written by npm run hosts -- --update";
  writeFileSync(file, `${JSON.stringify({ origin, hashes }, null, 2)}\n`);
}
