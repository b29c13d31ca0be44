import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../errors.js";
import { CheckpointFolder } from "./checkpoint.js";
import { replaceFile } from "./durable-write.js";

/** What run.json says beside the config. */
export interface RunInfo {
  readonly version: string;
  readonly data: string;
  readonly dataFingerprint: string;
  readonly images: number;
  readonly seed: number;
  readonly host: Readonly<Record<string, string | number>>;
}

/** The files of one run: config.yaml, run.json, metrics.jsonl, checkpoints/, lock. */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: CheckpointFolder;

  constructor(path: string) {
    this.path = path;
    this.checkpoints = new CheckpointFolder(join(path, "checkpoints"));
  }

  /**
   * Makes a folder for a new run.
   *
   * @throws ConfigError if something is in the way: a file, other files without `overwrite`, a run that is going on
   */
  static create(path: string, { overwrite = false } = {}): RunFolder {
    if (existsSync(path)) {
      if (!statSync(path).isDirectory()) throw new ConfigError(`--out ${path} is a file. Name a folder.`);
      if (readdirSync(path).length > 0 && !overwrite) {
        throw new ConfigError(
          `--out ${path} is not empty. Name another folder, continue with \`poa resume\`, or pass --overwrite.`,
        );
      }
    }
    try {
      mkdirSync(join(path, "checkpoints"), { recursive: true });
    } catch (error) {
      throw new ConfigError(`--out ${path} cannot be made: ${(error as Error).message}.`, { cause: error });
    }
    const folder = new RunFolder(path);
    folder.lock();
    folder.clear();
    return folder;
  }

  /** @throws ConfigError if the folder holds no run, or the run is going on */
  static open(path: string): RunFolder {
    if (!existsSync(join(path, "config.yaml"))) {
      throw new ConfigError(`${path} holds no run (no config.yaml). Name the --out folder of a pre-training.`);
    }
    mkdirSync(join(path, "checkpoints"), { recursive: true });
    const folder = new RunFolder(path);
    folder.lock();
    return folder;
  }

  get configPath(): string {
    return join(this.path, "config.yaml");
  }

  writeConfig(yaml: string): void {
    replaceFile(this.configPath, yaml);
  }

  writeInfo(info: RunInfo): void {
    replaceFile(join(this.path, "run.json"), `${JSON.stringify(info, null, 2)}\n`);
  }

  readInfo(): RunInfo {
    return JSON.parse(readFileSync(join(this.path, "run.json"), "utf8"));
  }

  /** Adds one line to metrics.jsonl. */
  appendMetrics(metrics: Readonly<Record<string, unknown>>): void {
    appendFileSync(join(this.path, "metrics.jsonl"), `${JSON.stringify(metrics)}\n`);
  }

  /** Drops the metrics of iterations that will be done again, and a line that was cut off. */
  truncateMetrics(iteration: number): void {
    const path = join(this.path, "metrics.jsonl");
    if (!existsSync(path)) return;
    const kept = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => (iterationOf(line) ?? Number.POSITIVE_INFINITY) < iteration);
    replaceFile(path, kept.map((line) => `${line}\n`).join(""));
  }

  /** Lets others use the folder. */
  unlock(): void {
    try {
      if (holderOf(this.lockPath)?.pid === process.pid) unlinkSync(this.lockPath);
    } catch {
      // Gone already.
    }
  }

  private get lockPath(): string {
    return join(this.path, "lock");
  }

  private lock(): void {
    const own = JSON.stringify({ pid: process.pid, host: hostname() });
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        writeFileSync(this.lockPath, own, { flag: "wx" });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
          throw new ConfigError(`${this.path} cannot be written: ${(error as Error).message}.`, { cause: error });
        }
      }
      const holder = holderOf(this.lockPath);
      if (holder && isRunning(holder)) {
        throw new ConfigError(
          `${this.path} is in use by process ${holder.pid} on ${holder.host}. Wait for it or stop it.`,
        );
      }
      unlinkSync(this.lockPath); // left behind by a process that is gone
    }
    throw new ConfigError(`${this.path} is being locked by another process. Try again.`);
  }

  /** Removes what an earlier run left, with --overwrite. Only files that a run makes are touched. */
  private clear(): void {
    for (const name of ["config.yaml", "run.json", "metrics.jsonl"]) {
      try {
        unlinkSync(join(this.path, name));
      } catch {
        // Not there.
      }
    }
    this.checkpoints.clear();
  }
}

interface Holder {
  pid: number;
  host: string;
}

function holderOf(path: string): Holder | null {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, "utf8"));
    return typeof pid === "number" && typeof host === "string" ? { pid, host } : null;
  } catch {
    return null;
  }
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

function iterationOf(line: string): number | null {
  try {
    return JSON.parse(line).iteration ?? null;
  } catch {
    return null;
  }
}
