import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ConfigError, DataError, FormatError } from "../errors.js";
import type { ChromeTrace } from "../runtime/trace.js";
import { CheckpointFolder } from "./checkpoint.js";
import { appendLine, replaceFile } from "./durable-write.js";
import type { Evaluation } from "./evaluation.js";

/** An unreadable lock that is younger may be one that another process is just writing. */
const LOCK_SETTLES_MS = 5_000;

/** What run.json says beside the config. */
export interface RunInfo {
  readonly version: string;
  /** Data spec, its path absolute, so that it means the same wherever the run is resumed. */
  readonly data: string;
  /** File with the initial weights; null if the run started from random ones. */
  readonly init: string | null;
  readonly dataFingerprint: string;
  readonly images: number;
  readonly seed: number;
  readonly host: Readonly<Record<string, string | number>>;
}

/**
 * The files of one run: config.yaml, run.json, metrics.jsonl, evaluations.jsonl if it was evaluated, profile.json if it was
 * profiled, rank.json if its networks were ranked, checkpoints/, lock.
 */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: CheckpointFolder;

  constructor(path: string) {
    this.path = path;
    this.checkpoints = new CheckpointFolder(join(path, "checkpoints"));
  }

  /**
   * Looks whether `create` would succeed, and changes nothing: for verbs that have much to do before they need the folder.
   *
   * @throws ConfigError as `create`
   */
  static expectFree(path: string, { overwrite = false } = {}): void {
    if (!existsSync(path)) return;
    if (!statSync(path).isDirectory()) throw new ConfigError(`--out ${path} is a file. Name a folder.`);
    const holder = holderOf(join(path, "lock"));
    if (holder && isRunning(holder)) throw inUse(path, holder);
    if (readdirSync(path).length === 0 || overwrite) return;
    throw new ConfigError(
      `--out ${path} is not empty. Name another folder, continue with \`poa resume\`, or pass --overwrite.`,
    );
  }

  /**
   * Makes a folder for a new run, and with `overwrite` deletes the run that is in it.
   *
   * @throws ConfigError if something is in the way: a file, other files without `overwrite`, a run that is going on
   */
  static create(path: string, options: { overwrite?: boolean } = {}): RunFolder {
    RunFolder.expectFree(path, options);
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

  /** @throws DataError if there is no run, ConfigError if it is going on */
  static open(path: string): RunFolder {
    if (!existsSync(join(path, "config.yaml"))) {
      const what = existsSync(path) ? "holds no run (no config.yaml)" : "does not exist";
      throw new DataError(`${path} ${what}. Name the --out folder of a pre-training.`);
    }
    const folder = new RunFolder(path);
    folder.lock();
    return folder;
  }

  /** What a run is, if there is one; leaves the folder to whoever holds it. @throws DataError, FormatError as `readInfo` */
  static infoOf(path: string): RunInfo {
    return new RunFolder(path).readInfo();
  }

  get configPath(): string {
    return join(this.path, "config.yaml");
  }

  /** Writes run.json, then config.yaml: a folder with a config is a run. */
  describe(configYaml: string, info: RunInfo): void {
    replaceFile(this.infoPath, `${JSON.stringify(info, null, 2)}\n`);
    replaceFile(this.configPath, configYaml);
  }

  /** @throws DataError if run.json cannot be read, FormatError if it is not what a run writes */
  readInfo(): RunInfo {
    let text: string;
    try {
      text = readFileSync(this.infoPath, "utf8");
    } catch (error) {
      throw new DataError(`${this.infoPath} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
    const info = parsed(text) as Partial<RunInfo> | null;
    if (typeof info?.data === "string" && typeof info.dataFingerprint === "string") return info as RunInfo;
    throw new FormatError(`${this.infoPath} does not name the run's data. It has been damaged; take it from a copy.`);
  }

  /** Adds one line to metrics.jsonl. @throws ResourceError if the disk is full */
  appendMetrics(metrics: Readonly<Record<string, unknown>>): void {
    appendLine(this.metricsPath, JSON.stringify(metrics));
  }

  /** Drops the metrics of iterations that will be done again, evaluations after them, and lines that were cut off. */
  truncateMetrics(iteration: number): void {
    keepLines(this.metricsPath, (line) => line < iteration);
    keepLines(this.evaluationsPath, (line) => line <= iteration);
  }

  /** Adds one line to evaluations.jsonl. @throws ResourceError if the disk is full */
  appendEvaluation(evaluation: Evaluation): void {
    appendLine(this.evaluationsPath, JSON.stringify(evaluation));
  }

  /** The last line of evaluations.jsonl, or null. */
  lastEvaluation(): Evaluation | null {
    if (!existsSync(this.evaluationsPath)) return null;
    const last = readFileSync(this.evaluationsPath, "utf8").trimEnd().split("\n").at(-1) ?? "";
    return iterationOf(last) === null ? null : (parsed(last) as Evaluation);
  }

  /** Writes profile.json. @throws ResourceError if the disk is full */
  saveTrace(trace: ChromeTrace): void {
    replaceFile(this.tracePath, JSON.stringify(trace));
  }

  /** Lets others use the folder. */
  unlock(): void {
    try {
      if (holderOf(this.lockPath)?.pid === process.pid) unlinkSync(this.lockPath);
    } catch {
      // Gone already.
    }
  }

  /** The trace of a run that was profiled. */
  get tracePath(): string {
    return join(this.path, "profile.json");
  }

  /** The ranking of its networks, if they were ranked. */
  get rankPath(): string {
    return join(this.path, "rank.json");
  }

  private get lockPath(): string {
    return join(this.path, "lock");
  }

  private get infoPath(): string {
    return join(this.path, "run.json");
  }

  private get metricsPath(): string {
    return join(this.path, "metrics.jsonl");
  }

  private get evaluationsPath(): string {
    return join(this.path, "evaluations.jsonl");
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
      if (holder ? isRunning(holder) : ageOf(this.lockPath) < LOCK_SETTLES_MS) throw inUse(this.path, holder);
      rmSync(this.lockPath, { force: true }); // left behind by a process that is gone
    }
    throw inUse(this.path, holderOf(this.lockPath));
  }

  /** Removes what an earlier run left, with --overwrite. Only files that a run makes, and what was said about it, are touched. */
  private clear(): void {
    const { configPath, infoPath, metricsPath, evaluationsPath, rankPath, tracePath } = this;
    for (const path of [configPath, infoPath, metricsPath, evaluationsPath, rankPath, tracePath])
      rmSync(path, { force: true });
    this.checkpoints.clear();
  }
}

interface Holder {
  pid: number;
  host: string;
}

function inUse(path: string, holder: Holder | null): ConfigError {
  const by = holder ? `process ${holder.pid} on ${holder.host}` : "another process";
  return new ConfigError(
    `${path} is in use by ${by}. Wait for it or stop it; if it is long gone, delete ${join(path, "lock")}.`,
  );
}

function holderOf(path: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const { pid, host } = (parsed(text) ?? {}) as Partial<Holder>;
  return typeof pid === "number" && typeof host === "string" ? { pid, host } : null;
}

/** Infinity if the file is not there. */
function ageOf(path: string): number {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
  return Date.now() - mtimeMs;
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

/** Keeps the lines of a file whose iteration passes, and drops those without one. */
function keepLines(path: string, passes: (iteration: number) => boolean): void {
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8");
  const kept = text
    .split("\n")
    .filter((line) => {
      const iteration = iterationOf(line);
      return iteration !== null && passes(iteration);
    })
    .map((line) => `${line}\n`)
    .join("");
  if (kept !== text) replaceFile(path, kept);
}

function iterationOf(line: string): number | null {
  const { iteration } = (parsed(line) ?? {}) as { iteration?: unknown };
  return typeof iteration === "number" ? iteration : null;
}

/** null if the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
