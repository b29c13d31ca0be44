import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, DataError, FormatError } from "../errors.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { CheckpointFiles, savedTensors } from "./checkpoint-files.js";
import { replaceFile } from "./durable-write.js";
import type { FinetuneSettings } from "./finetune-settings.js";
import type { FineTuner, FinetuneState } from "./finetuner.js";
import { expectFreeFolder, FolderLock, makeFolder } from "./folder-lock.js";
import { MetricsFile } from "./metrics-file.js";

/** What finetune.json says: enough to tell whether a call continues the run. */
export interface FinetuneInfo {
  readonly version: string;
  /** What was fine-tuned: the path, absolute, and the network. */
  readonly model: string;
  readonly network: string;
  readonly settings: FinetuneSettings;
  /** The images that are learned from, their number and fingerprint. */
  readonly data: string;
  readonly images: number;
  readonly dataFingerprint: string;
  /** Of the images that are asked about at the end. */
  readonly testFingerprint: string;
  readonly classes: readonly string[];
  readonly host: Readonly<Record<string, string | number>>;
}

/** The network that a finished fine-tuning leaves, and its moving average. */
export const FINETUNED_FILE = "model.safetensors";
const AVERAGED_FILE = "model-ema.safetensors";

const INFO_FILE = "finetune.json";

/** Keys of it that must not change when a run goes on. */
const FIXED = ["network", "settings", "dataFingerprint", "testFingerprint", "classes"] as const;

/**
 * The files of a fine-tuning: finetune.json, metrics.jsonl, checkpoints/, lock; at its end model.safetensors (and
 * model-ema.safetensors) and result.json.
 */
export class FinetuneFolder {
  readonly path: string;
  /** What the run was begun with. */
  readonly info: FinetuneInfo;
  readonly checkpoints: CheckpointFiles;
  readonly metrics: MetricsFile;
  private readonly lock: FolderLock;

  private constructor(path: string, info: FinetuneInfo) {
    this.path = path;
    this.info = info;
    this.checkpoints = new CheckpointFiles(join(path, "checkpoints"));
    this.metrics = new MetricsFile(join(path, "metrics.jsonl"));
    this.lock = new FolderLock(path);
  }

  /** Whether a path is the folder of a fine-tuning. */
  static isOne(path: string): boolean {
    return existsSync(join(path, INFO_FILE));
  }

  /**
   * Looks whether `create` would succeed, and changes nothing.
   *
   * @throws ConfigError if something is in the way: a file, other files without `overwrite`, a run that is going on
   */
  static expectFree(path: string, { overwrite = false } = {}): void {
    expectFreeFolder(path, { overwrite, wayOut: "continue with --resume" });
  }

  /** Makes a folder for a new run, and with `overwrite` deletes the run that is in it. @throws ConfigError as `expectFree` */
  static create(path: string, info: FinetuneInfo, options: { overwrite?: boolean } = {}): FinetuneFolder {
    FinetuneFolder.expectFree(path, options);
    makeFolder(path);
    const folder = new FinetuneFolder(path, info);
    folder.lock.take();
    for (const file of [
      folder.infoPath,
      folder.metrics.path,
      folder.resultPath,
      folder.modelPath(),
      folder.modelPath("ema"),
    ])
      rmSync(file, { force: true });
    folder.checkpoints.clear();
    replaceFile(folder.infoPath, `${JSON.stringify(info, null, 2)}\n`);
    return folder;
  }

  /**
   * Takes the folder of a run to go on with it.
   *
   * @throws DataError if there is none; ConfigError if it is going on, or has other settings, network or images
   */
  static open(path: string, info: FinetuneInfo): FinetuneFolder {
    if (!FinetuneFolder.isOne(path))
      throw new DataError(`--out ${path} holds no fine-tuning to resume. Leave --resume out to begin one.`);
    const before = readJson(join(path, INFO_FILE)) as FinetuneInfo;
    const changed = FIXED.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(info[key]));
    if (changed.length > 0) {
      const what = changed.flatMap((key) => (key === "settings" ? differences(before.settings, info.settings) : [key]));
      throw new ConfigError(
        `--out ${path} was begun with other ${what.join(", ")}. Give what it was begun with, name another folder, or pass --overwrite.`,
      );
    }
    const folder = new FinetuneFolder(path, before);
    folder.lock.take();
    return folder;
  }

  /** Lets others use the folder. */
  unlock(): void {
    this.lock.release();
  }

  /** Path of the fine-tuned network. */
  modelPath(which: "weights" | "ema" = "weights"): string {
    return join(this.path, which === "ema" ? AVERAGED_FILE : FINETUNED_FILE);
  }

  /** What a finished run had to tell; null if it is not finished. */
  readResult(): Record<string, unknown> | null {
    return existsSync(this.resultPath) ? (readJson(this.resultPath) as Record<string, unknown>) : null;
  }

  /** Marks the run as finished. @throws ResourceError if the disk is full */
  writeResult(result: Readonly<Record<string, unknown>>): void {
    replaceFile(this.resultPath, `${JSON.stringify(result, null, 2)}\n`);
  }

  /** Saves a checkpoint, and deletes all but the newest two and step 0. @throws ResourceError, NumericError */
  save(tuner: FineTuner): void {
    const { iteration, model, ema, optimizer } = tuner.state();
    const metadata = { "poa.model": JSON.stringify(tuner.spec) };
    this.checkpoints.write(iteration, [
      { name: "model", tensors: model, metadata },
      ...(ema ? [{ name: "ema", tensors: ema, metadata }] : []),
      { name: "optimizer", tensors: optimizer },
    ]);
    this.checkpoints.prune(2);
  }

  /**
   * The newest checkpoint that can be read; damaged newer ones are reported and set aside.
   *
   * @param ema  whether the run has a moving average
   * @returns null if there is none at all
   */
  loadNewest(ema: boolean, onWarning: (message: string) => void): FinetuneState<SavedTensor> | null {
    const { checkpoints } = this;
    const load = (step: number, name: string) => savedTensors(checkpoints.read(step, name).tensors);
    return checkpoints.newest(
      (step) => ({
        iteration: step,
        model: load(step, "model"),
        ema: ema ? load(step, "ema") : null,
        optimizer: load(step, "optimizer"),
      }),
      onWarning,
    );
  }

  private get infoPath(): string {
    return join(this.path, INFO_FILE);
  }

  private get resultPath(): string {
    return join(this.path, "result.json");
  }
}

function differences(before: FinetuneSettings, now: FinetuneSettings): string[] {
  return (Object.keys(now) as (keyof FinetuneSettings)[]).filter((key) => before?.[key] !== now[key]);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new FormatError(
      `${path} cannot be read: ${(error as Error).message}. Take it from a copy, or pass --overwrite.`,
      {
        cause: error,
      },
    );
  }
}
