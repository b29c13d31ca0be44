import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, NumericError } from "../errors.js";
import type { ChosenClassifier } from "../eval/linear-evaluation.js";
import type { LinearProbe } from "../eval/linear-probe.js";
import type { StoredTensor } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { replaceFile } from "../train/durable-write.js";
import { FolderLock } from "../train/folder-lock.js";
import { readSealed, replaceSealed } from "../train/sealed-file.js";
import { makeFolder } from "./output-file.js";

/** Metadata keys of the state. */
const SETTINGS = "poa.probe";
const ITERATION = "poa.iteration";
const STATE_FILE = "probe.safetensors";
const CLASSIFIER_FILE = "classifier.safetensors";
const RESULT_FILE = "result.json";
/** Files that calls leave when they are killed, and the next one replaces. */
const LEFT_BEHIND = /^lock(\.takeover)?$|\.partial$/;

/** Everything that the weights of a probe depend on. */
export type ProbeSettings = Readonly<Record<string, string | number | boolean>>;

export interface SavedProbe {
  readonly iteration: number;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

/** The files of one linear probe: its state while it is trained, then the classifier that was chosen and the result; lock. */
export class ProbeFolder {
  readonly path: string;
  private readonly settings: string;
  private readonly lock: FolderLock;

  /**
   * Makes the folder, or finds in it what an earlier call with the same settings has left, and keeps others out of it.
   *
   * @throws ConfigError if the folder holds something else, or another process works in it
   * @throws FormatError if the state is damaged
   */
  constructor(path: string, settings: ProbeSettings, { overwrite = false } = {}) {
    this.path = path;
    this.settings = JSON.stringify(settings);
    this.lock = new FolderLock(path);
    const taken = statSync(path, { throwIfNoEntry: false });
    if (taken && !taken.isDirectory()) throw new ConfigError(`--out ${path} is a file. Name a folder.`);
    makeFolder(path);
    this.lock.take();
    try {
      if (overwrite)
        for (const name of [STATE_FILE, CLASSIFIER_FILE, RESULT_FILE]) rmSync(join(path, name), { force: true });
      else this.expectOwn(settings);
    } catch (error) {
      this.lock.release();
      throw error;
    }
  }

  /** Lets others use the folder. */
  unlock(): void {
    this.lock.release();
  }

  /** Where an earlier call has stopped; null if there was none. */
  load(): SavedProbe | null {
    if (!existsSync(this.statePath)) return null;
    const { tensors, metadata } = readSealed(this.statePath);
    const saved = [...tensors].map(([name, { shape, data }]): [string, SavedTensor] => [
      name,
      { shape, data: data as Float32Array },
    ]);
    return { iteration: Number(metadata.get(ITERATION)), tensors: new Map(saved) };
  }

  /** @throws NumericError if a weight is not finite, ResourceError if the disk is full; what was saved before is untouched */
  save(probe: LinearProbe): void {
    const tensors = [...probe.stateDict()].map(([name, x]): [string, StoredTensor] => {
      const data = x.toArray() as Float32Array;
      if (!data.every(Number.isFinite))
        throw new NumericError(`linear probe: ${name} is not finite, so nothing is saved.`);
      return [name, { dtype: "F32", shape: x.shape, data }];
    });
    const metadata = new Map([
      [SETTINGS, this.settings],
      [ITERATION, String(probe.iteration)],
    ]);
    replaceSealed(this.statePath, new Map(tensors), metadata);
  }

  /** Writes the result and the classifier that was chosen, its metadata naming what it reads and its classes. */
  finish(result: Readonly<Record<string, unknown>>, chosen: ChosenClassifier, classes: readonly string[]): void {
    const { weight, bias, layers, pooled, positions } = chosen;
    const tensors = new Map<string, StoredTensor>([
      ["weight", { dtype: "F32", shape: [bias.length, weight.length / bias.length], data: weight }],
      ["bias", { dtype: "F32", shape: [bias.length], data: bias }],
    ]);
    const about = { positions: positions.slice(-layers), pooled, classes };
    replaceSealed(join(this.path, CLASSIFIER_FILE), tensors, new Map([["poa.classifier", JSON.stringify(about)]]));
    replaceFile(join(this.path, RESULT_FILE), `${JSON.stringify(result, null, 2)}\n`);
  }

  private expectOwn(settings: ProbeSettings): void {
    const { path, statePath } = this;
    if (existsSync(statePath)) expectSame(path, settings, readSealed(statePath).metadata.get(SETTINGS));
    else if (readdirSync(path).some((name) => !LEFT_BEHIND.test(name)))
      throw new ConfigError(`--out ${path} is not empty and holds no linear probe. Name another folder.`);
  }

  private get statePath(): string {
    return join(this.path, STATE_FILE);
  }
}

/** @throws ConfigError naming every setting that differs */
function expectSame(path: string, settings: ProbeSettings, found = "{}"): void {
  const before = JSON.parse(found) as ProbeSettings;
  const differing = Object.keys({ ...before, ...settings }).filter((key) => before[key] !== settings[key]);
  if (differing.length === 0) return;
  const list = differing.map((key) => `${key} ${before[key]}, now ${settings[key]}`).join("; ");
  throw new ConfigError(
    `--out ${path} holds a linear probe of other settings: ${list}. Name another folder, or pass --overwrite.`,
  );
}

/** SHA-256 of an encoder's weights, hexadecimal. */
export function weightsDigest({ backbone }: Encoder): string {
  const hash = createHash("sha256");
  for (const [name, x] of backbone.namedTensors()) {
    const { buffer, byteOffset, byteLength } = x.toArray();
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}
