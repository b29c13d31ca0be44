import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { DataError } from "../errors.js";
import type { Split } from "./dataset.js";
import { findFiles } from "./folder-walk.js";
import { expandPaths } from "./patterns.js";
import { printable } from "./printable.js";

export interface ContainerOptions {
  /** "train" or "test": the files whose names start with it; for "test" also with `val`, `valid`, `validation`. */
  readonly split?: Split;
  /** What to take where `split` is not given and the files have such names; else all of them are "train". */
  readonly defaultSplit?: Split;
}

/** First words of file names, in order of preference. */
const splitNames: Readonly<Record<Split, readonly string[]>> = {
  train: ["train", "training"],
  test: ["test", "val", "valid", "validation"],
};

/**
 * The files of a data set that lies in several, such as shards.
 *
 * @param kind  of the data spec, for messages
 * @param path  a file, a folder (all files in it with the extension), or a pattern with braces and wildcards
 * @param extension  with its dot
 * @throws DataError if a file that the pattern names is not there, if there is none, or none of the split
 */
export function containerFiles(
  kind: string,
  path: string,
  extension: string,
  { split, defaultSplit }: ContainerOptions = {},
): string[] {
  const files = filesAt(kind, path, extension);
  if (files.length === 0)
    throw new DataError(`${kind}: no file ${printable(path)} with the ending ${extension} was found. Check the path.`);
  const named = (wish: Split): string[] => {
    const name = splitNames[wish].find((word) => files.some((file) => firstWord(file) === word));
    return name === undefined ? [] : files.filter((file) => firstWord(file) === name);
  };
  const divided = named("train").length > 0 && named("test").length > 0;
  const wish = split ?? (divided ? defaultSplit : undefined);
  if (wish === undefined && defaultSplit !== "test") return files;
  const chosen = wish === undefined ? [] : named(wish);
  if (chosen.length > 0) return chosen;
  const missing = wish ?? defaultSplit!;
  const names = files.slice(0, 4).map((file) => printable(basename(file)));
  throw new DataError(
    `${kind}: ${printable(path)} has no ${missing} split (no file whose name starts with ${splitNames[missing].join(", ")}; ` +
      `there are ${files.length}: ${names.join(", ")}${files.length > names.length ? ", ..." : ""}). Name the files of the split.`,
  );
}

function filesAt(kind: string, path: string, extension: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    return findFiles(path)
      .filter((file) => file.path.toLowerCase().endsWith(extension))
      .map((file) => join(path, file.path));
  }
  if (stats !== undefined) return [path];
  const files = [...new Set(expandPaths(path, kind))];
  const absent = files.filter((file) => !statSync(file, { throwIfNoEntry: false })?.isFile());
  if (absent.length > 0) {
    throw new DataError(
      `${kind}: ${printable(absent[0])} is not a file that is there (${absent.length} of ${files.length} are missing). ` +
        "Check the path, or copy what is missing.",
    );
  }
  return files;
}

/** The letters that the name starts with, in lower case. */
function firstWord(file: string): string {
  return /^[a-z]*/.exec(basename(file).toLowerCase())![0];
}
