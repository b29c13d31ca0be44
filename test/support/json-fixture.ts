import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Reads a file of test/fixtures as JSON. */
export function jsonFixture<T>(path: string): T {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url)), "utf8")) as T;
}
