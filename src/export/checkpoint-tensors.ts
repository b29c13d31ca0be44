import { readFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { isBarePickle, isZip, readPth } from "../formats/pth.js";
import { readSafetensors, type SafetensorsFile } from "../formats/safetensors.js";
import { expectSeal, isSealed } from "../train/sealed-file.js";

/**
 * The tensors of a checkpoint, whose format its first bytes tell: safetensors, or an archive of `torch.save`.
 *
 * @param label  what to call it in an error
 * @throws DataError if the file is not there, FormatError if it is neither, damaged, or holds more than tensors and plain data
 */
export function readCheckpoint(path: string, label = path): SafetensorsFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${label} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  if (isZip(bytes) || isBarePickle(bytes)) return readPth(bytes, label);
  const file = readSafetensors(bytes, label);
  if (isSealed(file)) expectSeal(label, file);
  return file;
}
