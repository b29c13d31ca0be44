import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.js";
import { toFloat32 } from "../formats/safetensors.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { CheckpointFolder } from "../train/checkpoint.js";
import { readCheckpoint } from "./checkpoint-tensors.js";
import { fromOfficial } from "./names.js";

/** Tensors of a branch: backbone and heads. Running centres of a teacher's file are left out. */
const OF_A_BRANCH = /^(backbone|dino_head|ibot_head)\./;

/** Of a checkpoint, the part that others start from. */
const TEACHER_FILE = "teacher.safetensors";

/**
 * The file that a path given for initial weights stands for: of a run its newest teacher, of a checkpoint its teacher.
 *
 * @throws DataError for a folder that is neither
 */
export function weightsFile(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const teacher = join(path, TEACHER_FILE);
  if (existsSync(teacher)) return teacher;
  const checkpoints = new CheckpointFolder(join(path, "checkpoints"));
  const newest = checkpoints.steps().at(-1);
  if (newest !== undefined) return join(checkpoints.folderOf(newest), TEACHER_FILE);
  throw new DataError(`--init ${path} holds no checkpoint. Name a run, a checkpoint of it, or a file of weights.`);
}

/**
 * Weights of a whole branch from a safetensors or .pth file: a checkpoint's teacher or student, or published weights with their names.
 *
 * @returns tensors under our names
 * @throws DataError if the file is not there or holds no branch; FormatError if it is damaged or holds more than data
 */
export function readWeights(path: string): Map<string, SavedTensor> {
  const { tensors } = readCheckpoint(path, `--init ${path}`);
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
