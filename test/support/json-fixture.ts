import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Values of a file of test/fixtures; what they are and how they were made stands in it under `origin`. */
export function jsonFixture<T>(path: string): T {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url)), "utf8"),
  ) as T;
}
