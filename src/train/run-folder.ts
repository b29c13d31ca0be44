import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DataError, FormatError } from "../errors.js";
import type { ChromeTrace } from "../runtime/trace.js";
import { BadSteps } from "./bad-steps.js";
import type { BestRecord } from "./best-checkpoints.js";
import { CheckpointFolder } from "./checkpoint.js";
import { replaceFile } from "./durable-write.js";
import type { Evaluation } from "./evaluation.js";
import { expectFreeFolder, FolderLock, isHeld, makeFolder } from "./folder-lock.js";
import { MetricsFile } from "./metrics-file.js";
import { EVENT_FILE, EventFile } from "./tensorboard.js";

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
  /** Processes that trained together at its beginning; not in runs of one. */
  readonly ranks?: number;
  /** Whether they added in their order. */
  readonly deterministic?: boolean;
  readonly host: Readonly<Record<string, string | number>>;
}

/**
 * The files of one run: config.yaml, run.json, metrics.jsonl, timing.jsonl, evaluations.jsonl if it was evaluated, profile.json if
 * it was profiled, tensorboard/ if that was asked for, rank.json if its networks were ranked, checkpoints/, best.json, cache/ and
 * bad-steps/ if there are such, lock.
 */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: CheckpointFolder;
  /** What is known of steps that were not finite. */
  readonly badSteps: BadSteps;
  private readonly lock: FolderLock;
  private readonly metrics: MetricsFile;
  private readonly timing: MetricsFile;
  private readonly evaluations: MetricsFile;

  constructor(path: string) {
    this.path = path;
    this.checkpoints = new CheckpointFolder(join(path, "checkpoints"));
    this.badSteps = new BadSteps(join(path, "bad-steps"));
    this.lock = new FolderLock(path);
    this.metrics = new MetricsFile(join(path, "metrics.jsonl"));
    this.timing = new MetricsFile(join(path, "timing.jsonl"));
    this.evaluations = new MetricsFile(join(path, "evaluations.jsonl"));
  }

  /**
   * Looks whether `create` would succeed, and changes nothing: for verbs that have much to do before they need the folder.
   *
   * @throws ConfigError as `create`
   */
  static expectFree(path: string, { overwrite = false } = {}): void {
    expectFreeFolder(path, { overwrite, wayOut: "continue with `poa resume`" });
  }

  /**
   * Makes a folder for a new run, and with `overwrite` deletes the run that is in it.
   *
   * @throws ConfigError if something is in the way: a file, other files without `overwrite`, a run that is going on
   */
  static create(path: string, options: { overwrite?: boolean } = {}): RunFolder {
    RunFolder.expectFree(path, options);
    makeFolder(path);
    makeFolder(join(path, "checkpoints"));
    const folder = new RunFolder(path);
    folder.lock.take();
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
    folder.lock.take();
    return folder;
  }

  /** What a run is, if there is one; leaves the folder to whoever holds it. @throws DataError, FormatError as `readInfo` */
  static infoOf(path: string): RunInfo {
    return new RunFolder(path).readInfo();
  }

  /** Whether a process is at work on a run. */
  static isHeld(path: string): boolean {
    return isHeld(path);
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
    this.metrics.append(metrics);
  }

  /** Adds one line to timing.jsonl. @throws ResourceError if the disk is full */
  appendTiming(timing: Readonly<Record<string, number>>): void {
    this.timing.append(timing);
  }

  /** A new event file for the steps from `iteration` on. @throws ResourceError if the disk is full */
  openEvents(iteration: number): EventFile {
    return new EventFile(this.eventsPath, iteration);
  }

  /** Adds one line to evaluations.jsonl. @throws ResourceError if the disk is full */
  appendEvaluation(evaluation: Evaluation): void {
    this.evaluations.append({ ...evaluation });
  }

  /** The last line of evaluations.jsonl, or null. */
  lastEvaluation(): Evaluation | null {
    return this.evaluations.last() as Evaluation | null;
  }

  /** The metrics of the last steps, at most `count`. */
  lastMetrics(count: number): Record<string, unknown>[] {
    return this.metrics.tail(count);
  }

  /** Writes best.json. @throws ResourceError if the disk is full */
  saveBest(best: BestRecord): void {
    replaceFile(this.bestPath, `${JSON.stringify(best, null, 2)}\n`);
  }

  /** What best.json says; null if it is not there or damaged. */
  readBest(): BestRecord | null {
    if (!existsSync(this.bestPath)) return null;
    const record = parsed(readFileSync(this.bestPath, "utf8")) as Partial<BestRecord> | null;
    const sound =
      Array.isArray(record?.checkpoints) &&
      record.checkpoints.every(({ step, value }) => Number.isSafeInteger(step) && Number.isFinite(value));
    return sound ? (record as BestRecord) : null;
  }

  /** Drops what was written of iterations that will be done again, evaluations after them, and lines that were cut off. */
  truncateMetrics(iteration: number): void {
    this.metrics.truncate(iteration);
    this.badSteps.truncate(iteration);
    this.evaluations.truncate(iteration + 1);
  }

  /** Writes profile.json. @throws ResourceError if the disk is full */
  saveTrace(trace: ChromeTrace): void {
    replaceFile(this.tracePath, JSON.stringify(trace));
  }

  /** Deletes decoded images that the run has kept in its folder. */
  dropCache(): void {
    if (!existsSync(this.cachePath)) return;
    for (const name of readdirSync(this.cachePath))
      if (/^[0-9a-f]{16}$/.test(name)) rmSync(join(this.cachePath, name), { recursive: true, force: true });
    if (readdirSync(this.cachePath).length === 0) rmdirSync(this.cachePath);
  }

  /** Lets others use the folder. */
  unlock(): void {
    this.lock.release();
  }

  /** The trace of a run that was profiled. */
  get tracePath(): string {
    return join(this.path, "profile.json");
  }

  /** The ranking of its networks, if they were ranked. */
  get rankPath(): string {
    return join(this.path, "rank.json");
  }

  /** Decoded images, with train.cache=disk and no train.cache_dir. */
  get cachePath(): string {
    return RunFolder.cachePathOf(this.path);
  }

  static cachePathOf(path: string): string {
    return join(path, "cache");
  }

  private get bestPath(): string {
    return join(this.path, "best.json");
  }

  private get infoPath(): string {
    return join(this.path, "run.json");
  }

  private get eventsPath(): string {
    return join(this.path, "tensorboard");
  }

  /** Removes what an earlier run left, with --overwrite. Only files that a run makes, and what was said about it, are touched. */
  private clear(): void {
    const events = existsSync(this.eventsPath) ? readdirSync(this.eventsPath) : [];
    const { configPath, infoPath, metrics, evaluations, timing, rankPath, tracePath, bestPath } = this;
    for (const path of [
      ...[configPath, infoPath, metrics.path, evaluations.path, timing.path, rankPath, tracePath, bestPath],
      ...events.filter((name) => EVENT_FILE.test(name)).map((name) => join(this.eventsPath, name)),
    ])
      rmSync(path, { force: true });
    this.checkpoints.clear();
    this.badSteps.truncate(0);
    this.dropCache();
  }
}

/** null if the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
