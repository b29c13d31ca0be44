import { existsSync } from "node:fs";
import { join } from "node:path";
import { braceExpand, Minimatch, type MinimatchOptions } from "minimatch";
import { DataError } from "../errors.js";
import { type FoundFile, findFiles } from "./folder-walk.js";

const MAX_ALTERNATIVES = 100_000;

const options: MinimatchOptions = {
  nocomment: true,
  nonegate: true,
  braceExpandMax: MAX_ALTERNATIVES,
  windowsPathsNoEscape: process.platform === "win32",
};

/** Whether a path holds wildcards or braces. */
export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path);
}

export interface Matches {
  /** The part of the pattern before its first wildcard, as a folder. */
  readonly base: string;
  /** In the order of their paths, which are relative to `base`. */
  readonly files: FoundFile[];
}

/**
 * The files whose paths match a pattern: `*` and `?` within a name, `**` for any number of folders, `[a-c]`, `{jpg,png}`, `{00..09}`.
 * Names that start with a dot are passed over; links are followed, each real folder is read once.
 *
 * @throws DataError if a folder cannot be read; no match is an empty list
 */
export function matchFiles(pattern: string): Matches {
  const parts = pattern.split(process.platform === "win32" ? /[/\\]/ : "/");
  const literal = parts.findIndex(isPattern);
  const count = literal < 0 ? parts.length - 1 : literal;
  const base = parts.slice(0, count).join("/") || (pattern.startsWith("/") ? "/" : ".");
  if (!existsSync(base)) return { base, files: [] };
  const matcher = new Minimatch(parts.slice(count).join("/"), options);
  return { base, files: findFiles(base).filter(({ path }) => matcher.match(path)) };
}

/**
 * The paths that a pattern with braces stands for, in their order, and the files that match where wildcards remain.
 *
 * @param kind  of the data spec, for messages
 * @throws DataError if the braces stand for more than 100,000 paths
 */
export function expandPaths(pattern: string, kind: string): string[] {
  const alternatives = braceExpand(pattern, options);
  if (alternatives.length >= MAX_ALTERNATIVES) {
    throw new DataError(`${kind}: the braces stand for ${MAX_ALTERNATIVES} paths or more. Use * for what is there.`);
  }
  return alternatives.flatMap((path) => {
    if (!isPattern(path)) return [path];
    const { base, files } = matchFiles(path);
    return files.map((file) => join(base, file.path));
  });
}
