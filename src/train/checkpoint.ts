import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DataError, FormatError } from "../errors.js";
import { readSafetensors, type StoredTensor, safetensorsParts } from "../formats/safetensors.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import type { SamplerState } from "../poa/sampler.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectSpace, hashOfFile, syncFolder, writeAndSync } from "./durable-write.js";
import type { SavedTrainerState, TrainerState } from "./trainer.js";

/** Raised when the files or their meaning change; newer ones are refused. */
export const CHECKPOINT_FORMAT = 1;

const FILES = ["student", "teacher", "optimizer"] as const;
const STEP_DIGITS = 9;
const PARTIAL = ".partial";

/** The checkpoints of a run: one folder per step, which is there as a whole or not at all. */
export class CheckpointFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Steps of the complete checkpoints, ascending. */
  steps(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.path);
    } catch {
      return [];
    }
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Folder of one step. */
  folderOf(step: number): string {
    return join(this.path, String(step).padStart(STEP_DIGITS, "0"));
  }

  /**
   * Saves a checkpoint: every file written beside its place, waited for, read back and compared, then renamed into place as one.
   *
   * @param state  of the trainer, between steps
   * @param model  what the teacher's file says about the network, as JSON text
   * @throws ResourceError if the disk is full; earlier checkpoints are untouched
   */
  save(state: TrainerState, model: string): string {
    const target = this.folderOf(state.iteration);
    const partial = target + PARTIAL;
    mkdirSync(this.path, { recursive: true });
    this.removePartial();
    const common = { "poa.format": String(CHECKPOINT_FORMAT), "poa.iteration": String(state.iteration) };
    const extra = {
      student: {},
      teacher: { "poa.model": model },
      optimizer: { "poa.sampler": JSON.stringify(state.sampler) },
    };
    const files = FILES.map((name) => ({
      name,
      parts: safetensorsParts(stored(state[name]), new Map(Object.entries({ ...common, ...extra[name] }))),
    }));
    const bytes = files.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.length, 0);
    expectSpace(this.path, bytes, `checkpoint ${state.iteration}`);
    try {
      mkdirSync(partial);
      for (const { name, parts } of files) {
        const path = join(partial, `${name}.safetensors`);
        if (writeAndSync(path, parts) !== hashOfFile(path)) {
          throw new FormatError(`checkpoint: ${path} reads back differently from what was written. Check the disk.`);
        }
      }
      syncFolder(partial);
      rmSync(target, { recursive: true, force: true });
      renameSync(partial, target);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
    syncFolder(this.path);
    return target;
  }

  /** Deletes all but the newest `keep` checkpoints and step 0. */
  prune(keep: number): void {
    for (const step of this.steps().slice(0, -keep)) {
      if (step > 0) rmSync(this.folderOf(step), { recursive: true, force: true });
    }
  }

  /**
   * Reads one checkpoint whole.
   *
   * @throws FormatError if a file is damaged or of a newer format
   */
  load(step: number): SavedTrainerState {
    const folder = this.folderOf(step);
    const files = Object.fromEntries(FILES.map((name) => [name, readPart(join(folder, `${name}.safetensors`), step)]));
    const sampler = JSON.parse(files.optimizer.metadata.get("poa.sampler") ?? "null") as SamplerState | null;
    if (!sampler) throw new FormatError(`checkpoint: ${folder}/optimizer.safetensors lacks poa.sampler.`);
    return {
      iteration: step,
      sampler,
      student: saved(files.student.tensors),
      teacher: saved(files.teacher.tensors),
      optimizer: saved(files.optimizer.tensors),
    };
  }

  /**
   * The newest checkpoint that can be read; damaged newer ones are reported and passed over.
   *
   * @returns null if there is none at all
   * @throws DataError if there are some but none can be read
   */
  loadNewest(onWarning: (message: string) => void): SavedTrainerState | null {
    this.removePartial();
    const steps = this.steps().reverse();
    for (const step of steps) {
      try {
        return this.load(step);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        onWarning(`${error.message} Falling back to the checkpoint before.`);
      }
    }
    if (steps.length > 0)
      throw new DataError(`resume: none of the ${steps.length} checkpoints in ${this.path} can be read.`);
    return null;
  }

  /** Deletes all checkpoints. */
  clear(): void {
    this.removePartial();
    for (const step of this.steps()) rmSync(this.folderOf(step), { recursive: true, force: true });
  }

  private removePartial(): void {
    for (const name of readdirSync(this.path, { withFileTypes: true })) {
      if (name.name.endsWith(PARTIAL)) rmSync(join(this.path, name.name), { recursive: true, force: true });
    }
  }
}

function stored(tensors: ReadonlyMap<string, Tensor>): Map<string, StoredTensor> {
  return new Map(
    [...tensors].map(([name, x]) => {
      const data = x.toArray();
      const dtype = x.dtype === "i32" ? "I32" : x.dtype === "u8" ? "U8" : "F32";
      return [name, { dtype, shape: x.shape, data: data as StoredTensor["data"] }];
    }),
  );
}

function saved(tensors: ReadonlyMap<string, StoredTensor>): Map<string, SavedTensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
}

function readPart(path: string, step: number) {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new FormatError(`checkpoint: ${path} cannot be read (${(error as Error).message}).`, { cause: error });
  }
  const file = readSafetensors(bytes, path);
  const format = Number(file.metadata.get("poa.format"));
  if (!(format <= CHECKPOINT_FORMAT)) {
    throw new DataError(
      `checkpoint: ${path} has format ${file.metadata.get("poa.format")}; this version reads up to ${CHECKPOINT_FORMAT}. Update poa.`,
    );
  }
  if (Number(file.metadata.get("poa.iteration")) !== step)
    throw new FormatError(`checkpoint: ${path} belongs to another step than its folder.`);
  return file;
}
