import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.js";

/** An unreadable lock that is younger may be one that another process is just writing. */
const LOCK_SETTLES_MS = 5_000;
const LOCK_RETRY_MS = 50;
/** Waiting for it to change is a pause. */
const nothing = new Int32Array(new SharedArrayBuffer(4));

/** The file that says which process works in a folder, so that no other does. */
export class FolderLock {
  private readonly folder: string;
  private readonly path: string;

  constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, "lock");
  }

  /**
   * A lock of which one cannot say yet whether a living process has it is waited for, LOCK_SETTLES_MS at most: a process that
   * was killed may have left it a moment ago.
   *
   * @throws ConfigError if a living process has it, or the folder cannot be written
   */
  take(): void {
    while (!this.tryTake()) Atomics.wait(nothing, 0, 0, LOCK_RETRY_MS);
  }

  /** @returns false if it cannot be said yet who has the lock */
  private tryTake(): boolean {
    if (this.create(this.path)) return true;
    if (!this.isLeft()) return false;
    // One process at a time may replace what was left: another could remove the lock that the first has just taken.
    const turn = `${this.path}.takeover`;
    if (!this.create(turn)) {
      if (ageOf(turn) >= LOCK_SETTLES_MS) rmSync(turn, { force: true });
      return false;
    }
    try {
      if (!this.isLeft()) return false;
      rmSync(this.path, { force: true });
      return this.create(this.path);
    } finally {
      rmSync(turn, { force: true });
    }
  }

  /** Lets others use the folder. */
  release(): void {
    try {
      if (holderOf(this.path)?.pid === process.pid) unlinkSync(this.path);
    } catch {
      // Gone already.
    }
  }

  /** Makes a file that names this process, whole or not at all. @returns false if it is there already */
  private create(path: string): boolean {
    try {
      const file = openSync(path, "wx");
      try {
        writeSync(file, JSON.stringify({ pid: process.pid, host: hostname() }));
      } catch (error) {
        rmSync(path, { force: true }); // an unreadable lock would count as one in the writing
        throw error;
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return false;
      throw new ConfigError(`${this.folder} cannot be written: ${message}.`, { cause: error });
    }
  }

  /** @returns whether a process that is gone left the lock; false if that cannot be said yet. @throws ConfigError if it is held */
  private isLeft(): boolean {
    const holder = holderOf(this.path);
    if (holder && isRunning(holder)) throw inUse(this.folder, holder);
    return holder !== null || ageOf(this.path) >= LOCK_SETTLES_MS;
  }
}

/**
 * Looks whether a run could begin in a folder, and changes nothing.
 *
 * @param wayOut  how to go on with what is there, for the message
 * @throws ConfigError if something is in the way: a file, other files without `overwrite`, a run that is going on
 */
export function expectFreeFolder(
  path: string,
  { overwrite = false, wayOut }: { overwrite?: boolean; wayOut: string },
): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) throw new ConfigError(`--out ${path} is a file. Name a folder.`);
  const holder = holderOf(join(path, "lock"));
  if (holder && isRunning(holder)) throw inUse(path, holder);
  if (readdirSync(path).length === 0 || overwrite) return;
  throw new ConfigError(`--out ${path} is not empty. Name another folder, ${wayOut}, or pass --overwrite.`);
}

/** Makes a folder of a run, with those above it, if it is not there. @throws ConfigError with the reason */
export function makeFolder(path: string): void {
  try {
    makeBelow(path);
  } catch (error) {
    throw new ConfigError(`--out ${path} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
}

/** One after the other: the host's own way to make several tells of a disk that can only be read as a missing folder. */
function makeBelow(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeBelow(dirname(path));
  mkdirSync(path);
}

/** Whether a process works in a folder. */
export function isHeld(path: string): boolean {
  const holder = holderOf(join(path, "lock"));
  return holder !== null && isRunning(holder);
}

interface Holder {
  pid: number;
  host: string;
}

function inUse(path: string, { pid, host }: Holder): ConfigError {
  return new ConfigError(
    `${path} is in use by process ${pid} on ${host}. Wait for it or stop it; if it is long gone, delete ${join(path, "lock")}.`,
  );
}

function holderOf(path: string): Holder | null {
  let holder: Partial<Holder> | null;
  try {
    holder = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
  const { pid, host } = holder ?? {};
  return typeof pid === "number" && typeof host === "string" ? { pid, host } : null;
}

/** Infinity if the file is not there. A time to come, as after a clock was set back, is as far off as one gone by. */
function ageOf(path: string): number {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
  return Math.abs(Date.now() - mtimeMs);
}

/** A process on another host cannot be asked, so it counts as running. */
function isRunning({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
