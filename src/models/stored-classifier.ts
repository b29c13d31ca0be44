import { FormatError } from "../errors.js";
import type { SafetensorsFile, StoredTensor } from "../formats/safetensors.js";
import type { LinearInput } from "./linear-head.js";

/**
 * Where a file's metadata holds what its classifier is, a JSON text: of a linear one {"positions": [3], "pooled": false,
 * "classes": [...]}, of a k-NN vote {"k": 20, "temperature": 0.07, "classes": [...]}.
 */
export const CLASSIFIER_KEY = "poa.classifier";

/** Prefixes of the tensors of a classifier beside an encoder. */
export const HEAD = "head.";
export const BANK = "bank.";

/** A linear classifier in a file. */
export interface StoredHead extends LinearInput {
  readonly classes: readonly string[];
  /** [classes, features] and [classes] */
  readonly weight: StoredTensor;
  readonly bias: StoredTensor;
}

/** The labelled features of a k-NN vote in a file. */
export interface StoredBank {
  readonly classes: readonly string[];
  readonly k: number;
  readonly temperature: number;
  /** Unit rows [N, F]. */
  readonly features: StoredTensor;
  /** [N] */
  readonly labels: Int32Array;
}

/**
 * The classifier beside the encoder of a bundle; null if it has none.
 *
 * @throws FormatError if it is damaged
 */
export function storedClassifier(file: SafetensorsFile, label: string): StoredHead | StoredBank | null {
  if (!file.metadata.has(CLASSIFIER_KEY)) return null;
  return file.tensors.has(`${BANK}labels`) ? storedBank(file, label) : storedHead(file, label, HEAD);
}

/**
 * A linear classifier.
 *
 * @param prefix  of its tensors
 * @throws FormatError if the file holds none
 */
export function storedHead({ tensors, metadata }: SafetensorsFile, label: string, prefix = ""): StoredHead {
  const { positions, pooled, classes } = aboutOf<StoredHead>(label, metadata, (about) => {
    const whole = about.positions.length > 0 && about.positions.every((n) => Number.isSafeInteger(n) && n >= 0);
    return whole && typeof about.pooled === "boolean";
  });
  const [weight, bias] = ["weight", "bias"].map((name) => tensors.get(prefix + name));
  if (!weight || !bias || weight.shape.length !== 2 || bias.shape.length !== 1 || weight.shape[0] !== bias.shape[0])
    throw new FormatError(`${label} lacks a weight [classes, features] or a bias [classes].`);
  return { positions, pooled, classes, weight, bias };
}

function storedBank({ tensors, metadata }: SafetensorsFile, label: string): StoredBank {
  const { k, temperature, classes } = aboutOf<StoredBank>(
    label,
    metadata,
    (about) => Number.isSafeInteger(about.k) && about.k >= 1 && about.temperature > 0,
  );
  const [features, labels] = ["features", "labels"].map((name) => tensors.get(BANK + name));
  const rows = labels?.dtype === "I32" ? (labels.data as Int32Array) : new Int32Array(0);
  const fits = features?.shape.length === 2 && features.shape[0] === rows.length && rows.length > 0;
  if (!fits || rows.some((row) => row < 0 || row >= classes.length))
    throw new FormatError(`${label} lacks a bank of features [N, F] with a label for each.`);
  return { k, temperature, classes, features, labels: rows };
}

function aboutOf<A extends { readonly classes: readonly string[] }>(
  label: string,
  metadata: ReadonlyMap<string, string>,
  isSound: (about: A) => boolean,
): A {
  try {
    const about = JSON.parse(metadata.get(CLASSIFIER_KEY) ?? "") as A;
    const named = about.classes.length > 0 && about.classes.every((name) => typeof name === "string");
    if (named && isSound(about)) return about;
  } catch {
    // what is no JSON, or lacks a field, is reported with what has a wrong one
  }
  throw new FormatError(
    `${label} holds no classifier: its metadata ${CLASSIFIER_KEY} does not say what it reads and tells apart.`,
  );
}
