import { readFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { isBarePickle, isZip, readPth } from "../formats/pth.js";
import { readSafetensors, type SafetensorsFile } from "../formats/safetensors.js";

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
  return isZip(bytes) || isBarePickle(bytes) ? readPth(bytes, label) : readSafetensors(bytes, label);
}
