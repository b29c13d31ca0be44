import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, DataError } from "../errors.js";
import { readEncoder } from "../export/encoder-file.js";
import { readWeights } from "../export/initial-weights.js";
import { type HiddenLayer, projectionStart } from "../export/projection-start.js";
import { pooledLength } from "../models/classifier.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { networkName } from "../models/encoder-spec.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import type { Config } from "../poa/config-keys.js";
import { searchSpace } from "../poa/plan.js";
import { CheckpointFolder } from "../train/checkpoint.js";
import { FINETUNED_FILE, FinetuneFolder } from "../train/finetune-folder.js";
import { loadConfig } from "./config-file.js";

/** A model that a verb works on, and what it is called. */
export interface OpenModel {
  readonly encoder: Encoder;
  /** Its name in a search space, such as "96x4". */
  readonly network: string;
}

/**
 * MODEL of the command line: a run folder (its newest teacher), the folder of a fine-tuning, or an encoder file.
 *
 * @param net  a sub-network of a run, in place; only runs have them
 * @throws DataError if nothing is there, ConfigError for a network that the run does not hold
 */
export async function openModel(path: string, net?: string): Promise<OpenModel> {
  if (!existsSync(path))
    throw new DataError(`model ${path} is not there. Name a run folder or an encoder file (.safetensors).`);
  if (!statSync(path).isDirectory()) {
    const encoder = readEncoder(path);
    const network = networkName(encoder.spec);
    if (net !== undefined && net !== network && net !== "full") {
      throw new ConfigError(
        `--net ${net}: ${path} holds the one network ${network}. Name the run folder to choose another.`,
      );
    }
    return { encoder, network };
  }
  if (FinetuneFolder.isOne(path)) return openModel(finetunedFile(path), net);
  const { encoder, config } = await openRun(path);
  const chosen = searchSpace(config).parse(net ?? "full");
  return { encoder: sliceEncoder(encoder, chosen), network: chosen.name };
}

/**
 * The first layer of a run's projection head, from which a classifier with a hidden layer may start.
 *
 * @param encoder  of the run, or a part of it
 * @returns null if MODEL is no run, or the classifier reads another feature than the head has read
 */
export function projectionHead(path: string, { backbone }: Encoder): HiddenLayer | null {
  const weights = pooledLength(backbone) === backbone.featureDim ? teacherWeights(path) : null;
  return weights && projectionStart(weights, backbone.featureDim);
}

/** The weights of a run's newest teacher, heads included; null if MODEL is no run or has none yet. */
function teacherWeights(path: string): ReadonlyMap<string, SavedTensor> | null {
  if (!isRun(path)) return null;
  const checkpoints = checkpointsOf(path);
  const newest = checkpoints.steps().at(-1);
  return newest === undefined ? null : readWeights(join(checkpoints.folderOf(newest), "teacher.safetensors"));
}

/** The network of a fine-tuning. @throws DataError if that has not come to its end */
function finetunedFile(path: string): string {
  const file = join(path, FINETUNED_FILE);
  if (existsSync(file)) return file;
  throw new DataError(`${path} is a fine-tuning without its result, ${FINETUNED_FILE}. Continue it with --resume.`);
}

/** Whether a path is the folder of a run. */
export function isRun(path: string): boolean {
  return existsSync(join(path, "config.yaml"));
}

/** @throws ConfigError if a path is not the folder of a run, for verbs that are about runs alone */
export function expectRun(verb: string, path: string): void {
  if (!isRun(path))
    throw new ConfigError(`${verb}: ${path} is no run (no config.yaml). Name the --out folder of a pre-training.`);
}

/** The teacher of a run's newest checkpoint with the steps it has had, and the run's config. @throws DataError if there is none */
export async function openRun(path: string): Promise<{ encoder: Encoder; config: Config; steps: number }> {
  if (!isRun(path)) {
    throw new DataError(`${path} is a folder without config.yaml, so no run. Name the --out folder of a pre-training.`);
  }
  const { config } = await loadConfig(join(path, "config.yaml"));
  const steps = newestStep(path);
  const teacher = join(checkpointsOf(path).folderOf(steps), "teacher.safetensors");
  return { encoder: readEncoder(teacher), config, steps };
}

/** Steps of a run's newest checkpoint. @throws DataError if there is none */
export function newestStep(path: string): number {
  const newest = checkpointsOf(path).steps().at(-1);
  if (newest === undefined)
    throw new DataError(`${path} has no checkpoint yet. Continue it with \`poa resume ${path}\`.`);
  return newest;
}

const checkpointsOf = (path: string) => new CheckpointFolder(join(path, "checkpoints"));
