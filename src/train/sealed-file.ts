import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DataError, FormatError } from "../errors.js";
import { readSafetensors, type SafetensorsFile, type StoredTensor, safetensorsParts } from "../formats/safetensors.js";
import { diskError, expectSpace, hashOfFile, syncFolder, writeAndSync } from "./durable-write.js";

/** Metadata key of the SHA-256 of the file as it would be without this key. */
const SEAL = "poa.sha256";

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Whether a file says what its checksum was. */
export function isSealed({ metadata }: SafetensorsFile): boolean {
  return metadata.has(SEAL);
}

/** A safetensors file, in pieces, whose metadata hold the checksum of all the rest. */
export function sealedParts(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array[] {
  const seal = sha256(safetensorsParts(tensors, metadata));
  return safetensorsParts(tensors, new Map([...metadata, [SEAL, seal]]));
}

/**
 * Tells whether a file is as it was written: its bytes are a function of what they hold, so writing again what was read gives
 * what was sealed.
 *
 * @throws FormatError if not
 */
export function expectSeal(path: string, { tensors, metadata }: SafetensorsFile): void {
  const rest = new Map([...metadata].filter(([key]) => key !== SEAL));
  if (sha256(safetensorsParts(tensors, rest)) === metadata.get(SEAL)) return;
  throw new FormatError(`${path} is damaged: its bytes do not match their checksum.`);
}

/**
 * Replaces a file at once by a sealed one: whoever reads it, also after a crash, sees the old or the new one whole.
 *
 * @throws ResourceError if the disk is full, FormatError if it reads back differently; the old file is untouched then
 */
export function replaceSealed(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
): void {
  const parts = sealedParts(tensors, metadata);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  expectSpace(dirname(path), bytes, path);
  const partial = `${path}.partial`;
  try {
    if (writeAndSync(partial, parts) !== hashOfFile(partial))
      throw new FormatError(`${path} reads back differently from what was written. Check the disk.`);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw diskError(path, error);
  }
  syncFolder(dirname(path));
}

/** @throws DataError if the file cannot be read, FormatError if it is damaged */
export function readSealed(path: string): SafetensorsFile {
  const file = readFile(path);
  expectSeal(path, file);
  return file;
}

/**
 * Reads a file that others may have written, who seal none: one that says what its checksum was is held to it.
 *
 * @throws DataError if the file cannot be read, FormatError if it is damaged
 */
export function readSealable(path: string): SafetensorsFile {
  const file = readFile(path);
  if (isSealed(file)) expectSeal(path, file);
  return file;
}

function readFile(path: string): SafetensorsFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  return readSafetensors(bytes, path);
}
