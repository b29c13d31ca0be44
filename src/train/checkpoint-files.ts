import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, DataError, FormatError, NumericError } from "../errors.js";
import { readSafetensors, type SafetensorsFile, type StoredTensor } from "../formats/safetensors.js";
import type { StateTensor } from "../optim/moments.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { diskError, expectSpace, hashOfFile, syncFolder, writeAndSync } from "./durable-write.js";
import { expectSeal, sealedParts } from "./sealed-file.js";

/** Raised when the files or their meaning change; newer ones are refused. */
export const CHECKPOINT_FORMAT = 1;

const STEP_DIGITS = 9;
/** A checkpoint that is being written, or deleted. */
const PARTIAL = ".partial";
/** A checkpoint that could not be read, set aside so that it does not count as one. */
const DAMAGED = ".damaged";
/** What reading a checkpoint that is damaged may end with; other errors say something about the host. */
const DAMAGE = ["ENOENT", "ENOTDIR", "EISDIR", "EIO"];

/** One file of a checkpoint. */
export interface CheckpointPart {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, StateTensor>;
  /** Beside format, iteration and checksum. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Checkpoints of any kind of run: one folder per step, which is there as a whole or not at all. */
export class CheckpointFiles {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Steps of the complete checkpoints, ascending. */
  steps(): number[] {
    return namesIn(this.path)
      .filter((name) => /^\d{9,}$/.test(name))
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
   * @returns its folder
   * @throws ResourceError if the disk is full, NumericError if a tensor is not finite; earlier checkpoints are untouched
   */
  write(step: number, parts: readonly CheckpointPart[]): string {
    const target = this.folderOf(step);
    const partial = target + PARTIAL;
    mkdirSync(this.path, { recursive: true });
    this.remove(PARTIAL);
    const common = { "poa.format": String(CHECKPOINT_FORMAT), "poa.iteration": String(step) };
    const files = parts.map(({ name, tensors, metadata }) => ({
      name,
      parts: sealedParts(stored(name, tensors), new Map(Object.entries({ ...common, ...metadata }))),
    }));
    const bytes = files.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.length, 0);
    expectSpace(this.path, bytes, `checkpoint ${step}`);
    try {
      mkdirSync(partial);
      for (const { name, parts } of files) {
        const path = join(partial, `${name}.safetensors`);
        if (writeAndSync(path, parts) !== hashOfFile(path)) {
          throw new FormatError(`checkpoint: ${path} reads back differently from what was written. Check the disk.`);
        }
      }
      syncFolder(partial);
      this.discard(step);
      renameSync(partial, target);
    } catch (error) {
      removeQuietly(partial);
      throw diskError(target, error);
    }
    syncFolder(this.path);
    return target;
  }

  /** Deletes all but the newest `keep` checkpoints, step 0, and `others`. */
  prune(keep: number, others: readonly number[] = []): void {
    for (const step of this.steps().slice(0, -keep)) {
      if (step > 0 && !others.includes(step)) this.discard(step);
    }
  }

  /**
   * Reads one file of a checkpoint.
   *
   * @throws FormatError if it is damaged, ConfigError if it is of a newer format
   */
  read(step: number, name: string): SafetensorsFile {
    return readPart(join(this.folderOf(step), `${name}.safetensors`), step);
  }

  /**
   * The newest checkpoint that can be read; damaged newer ones are reported and set aside.
   *
   * @param load  reads one whole
   * @returns null if there is none at all
   * @throws DataError if there are some but none can be read
   */
  newest<T>(load: (step: number) => T, onWarning: (message: string) => void): T | null {
    this.remove(PARTIAL);
    const damaged: number[] = [];
    for (const step of this.steps().reverse()) {
      try {
        const state = load(step);
        for (const newer of damaged) this.setAside(newer);
        return state;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        onWarning(`${error.message} Falling back to the checkpoint before.`);
        damaged.push(step);
      }
    }
    if (damaged.length > 0)
      throw new DataError(`resume: none of the ${damaged.length} checkpoints in ${this.path} can be read.`);
    return null;
  }

  /** Deletes all checkpoints. */
  clear(): void {
    this.remove(PARTIAL);
    this.remove(DAMAGED);
    for (const step of this.steps()) this.discard(step);
  }

  /** Deletes a checkpoint, if it is there. Renamed first, so that no half of it is left if the process is killed meanwhile. */
  private discard(step: number): void {
    const folder = this.folderOf(step);
    if (!existsSync(folder)) return;
    const aside = `${folder}.old${PARTIAL}`;
    renameSync(folder, aside);
    rmSync(aside, { recursive: true, force: true });
  }

  private setAside(step: number): void {
    const aside = this.folderOf(step) + DAMAGED;
    rmSync(aside, { recursive: true, force: true });
    renameSync(this.folderOf(step), aside);
  }

  private remove(suffix: typeof PARTIAL | typeof DAMAGED): void {
    for (const name of namesIn(this.path)) {
      if (name.endsWith(suffix)) rmSync(join(this.path, name), { recursive: true, force: true });
    }
  }
}

/** Names of a folder's entries; none if it is not there. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new DataError(`${folder} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** The error on the way is the one to report, so this must not throw another. */
function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Removed before the next save.
  }
}

/** Without a callback, which would make an object of each number. */
function allFinite(data: ArrayLike<number>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/** @throws NumericError for a number that is not finite: a run that has gone wrong must not replace a good checkpoint */
function stored(part: string, tensors: ReadonlyMap<string, StateTensor>): Map<string, StoredTensor> {
  return new Map(
    [...tensors].map(([name, x]) => {
      const data = x.peek(); // nothing is computed until the file is written
      if (!allFinite(data)) {
        throw new NumericError(
          `checkpoint: ${part} ${name} holds a number that is not finite, so nothing is saved. Resume from the checkpoint before with a lower learning rate.`,
        );
      }
      const dtype = x.dtype === "i32" ? "I32" : x.dtype === "u8" ? "U8" : "F32";
      return [name, { dtype, shape: x.shape, data: data as StoredTensor["data"] }];
    }),
  );
}

/** Tensors of a file as a state to load. */
export function savedTensors(tensors: ReadonlyMap<string, StoredTensor>): Map<string, SavedTensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
}

function readPart(path: string, step: number): SafetensorsFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const kind = DAMAGE.includes((error as NodeJS.ErrnoException).code ?? "") ? FormatError : DataError;
    throw new kind(`checkpoint: ${path} cannot be read (${(error as Error).message}).`, { cause: error });
  }
  const file = readSafetensors(bytes, path);
  const format = Number(file.metadata.get("poa.format") ?? Number.NaN);
  if (format > CHECKPOINT_FORMAT) {
    throw new ConfigError(
      `checkpoint: ${path} has format ${format}; this version reads up to ${CHECKPOINT_FORMAT}. Update poa.`,
    );
  }
  expectSeal(path, file);
  if (Number(file.metadata.get("poa.iteration")) !== step)
    throw new FormatError(`checkpoint: ${path} belongs to another step than its folder.`);
  return file;
}
