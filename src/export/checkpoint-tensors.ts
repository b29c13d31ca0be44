import { readFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { isBarePickle, isZip, readPth } from "../formats/pth.js";
import { readSafetensors, type StoredTensor } from "../formats/safetensors.js";

/**
 * The tensors of a checkpoint, told by its first bytes: safetensors, or an archive of `torch.save`.
 *
 * @param label  what to call it in an error
 * @throws DataError if the file is not there, FormatError if it is neither, damaged, or holds more than tensors and plain data
 */
export function readCheckpoint(path: string, label = path): Map<string, StoredTensor> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${label} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  return (isZip(bytes) || isBarePickle(bytes) ? readPth(bytes, label) : readSafetensors(bytes, label)).tensors;
}
