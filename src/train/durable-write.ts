import { createHash } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { ResourceError } from "../errors.js";

const BLOCK_BYTES = 1 << 20;

/**
 * Writes a whole file and waits until the disk has it.
 *
 * @returns the SHA-256 of what was meant to be written, hexadecimal
 * @throws ResourceError if the disk is full
 */
export function writeAndSync(path: string, parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  try {
    const file = openSync(path, "w");
    try {
      for (const part of parts) {
        hash.update(part);
        for (let at = 0; at < part.length; ) at += writeSync(file, part, at, Math.min(BLOCK_BYTES, part.length - at));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw diskError(path, error);
  }
  return hash.digest("hex");
}

/** SHA-256 of a file as it now stands on disk. */
export function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK_BYTES);
  const file = openSync(path, "r");
  try {
    for (let length = readSync(file, block); length > 0; length = readSync(file, block))
      hash.update(block.subarray(0, length));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

/**
 * Makes names in a folder durable, where the file system offers that; a folder that cannot be opened or synced (some network file
 * systems, Windows) is as durable as it gets.
 */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Nothing to be done about it, and what was written is in place.
  }
}

/** Replaces a small file at once: readers see the old or the new content, never a part. @throws ResourceError if the disk is full */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.partial`;
  try {
    writeAndSync(temporary, [new TextEncoder().encode(text)]);
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It may never have been made.
    }
    throw diskError(path, error);
  }
  syncFolder(dirname(path));
}

/** Adds a line to a file. @throws ResourceError if the disk is full */
export function appendLine(path: string, line: string): void {
  try {
    appendFileSync(path, `${line}\n`);
  } catch (error) {
    throw diskError(path, error);
  }
}

/** @throws ResourceError if the file system of `folder` has less free space than `bytes` */
export function expectSpace(folder: string, bytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const [needed, left] = [Math.ceil(bytes / 2 ** 20), Math.floor(free / 2 ** 20)];
  throw new ResourceError(
    `${what} needs ${needed} MiB in ${folder}, ${left} MiB are free. Free space, then resume; or choose another --out.`,
  );
}

/** What the disk may answer in the middle of a run, in words. */
const DISK_PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "the disk is full. Free space and resume"],
  ["EDQUOT", "the disk is full. Free space and resume"],
  ["EFBIG", "the file is larger than this process may write (ulimit -f). Raise the limit and resume"],
  ["EROFS", "the disk can only be read. Mount it for writing and resume"],
  ["EIO", "the disk failed. Look after it and resume"],
]);

/** A disk that takes no more as ResourceError; any other error as it is. */
export function diskError(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const problem = DISK_PROBLEMS.get(code ?? "");
  if (error instanceof ResourceError || problem === undefined) return error;
  return new ResourceError(`${path}: ${problem}; what was saved before is intact (${message}).`, { cause: error });
}
