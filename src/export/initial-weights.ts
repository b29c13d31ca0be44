import { readFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { readSafetensors, toFloat32 } from "../formats/safetensors.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { fromOfficial } from "./names.js";

/** Tensors of a branch: backbone and heads. Running centres of a teacher's file are left out. */
const OF_A_BRANCH = /^(backbone|dino_head|ibot_head)\./;

/**
 * Weights of a whole branch from a safetensors file: a checkpoint's teacher or student, or published weights with their names.
 *
 * @returns tensors under our names
 * @throws DataError if the file is not there or holds no branch; FormatError if it is damaged
 */
export function readWeights(path: string): Map<string, SavedTensor> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`--init ${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const { tensors } = readSafetensors(bytes, path);
  const weights = new Map<string, SavedTensor>();
  // A published checkpoint may hold both branches; the teacher is the one to use.
  const both = [...tensors.keys()].some((name) => name.startsWith("teacher."));
  for (const [name, tensor] of tensors) {
    if (both && name.startsWith("student.")) continue;
    const own = fromOfficial(name.replace(/^(teacher|student)\./, ""));
    if (OF_A_BRANCH.test(own)) weights.set(own, { shape: tensor.shape, data: toFloat32(tensor) });
  }
  if (weights.size === 0)
    throw new DataError(
      `--init ${path} holds no backbone.* and dino_head.* tensors. Name a checkpoint's teacher.safetensors.`,
    );
  return weights;
}
