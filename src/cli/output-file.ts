import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "../errors.js";

/** Looks, before long work begins, whether a file can be written. @throws ConfigError if not */
export function expectWritable(option: string, path: string): void {
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError(`${option} ${path}: the folder ${folder} does not exist. Make it, or name another file.`);
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing?.isDirectory()) throw new ConfigError(`${option} ${path} is a folder. Name a file.`);
  try {
    accessSync(existing ? path : folder, constants.W_OK);
  } catch (error) {
    throw new ConfigError(`${option} ${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}

/** Makes a folder and those above it. @throws ConfigError if that cannot be done */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new ConfigError(`--out ${path} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
}
