import { readFileSync } from "node:fs";
import { DataError, FormatError, ShapeError } from "../errors.js";
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../formats/safetensors.js";
import { Classifier } from "../models/classifier.js";
import { buildBackboneOf } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { unfilled } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import { writeAndSync } from "../train/durable-write.js";
import { encoderMetadata, type Provenance, parseSpec, SPEC_KEY } from "./encoder-metadata.js";

/** Where a file's metadata holds the names of the classes, a JSON array. */
const CLASSES_KEY = "poa.classes";

/** A fine-tuned network and what its logits mean. */
export interface LabelledClassifier {
  readonly model: Classifier;
  readonly spec: EncoderSpec;
  /** Names in the order of the logits. */
  readonly classes: readonly string[];
}

/**
 * Writes a classifier as one safetensors file: `backbone.*` and `head.*`. Wherever an encoder is asked for, the file is one:
 * its head is left out then.
 *
 * @throws ResourceError if the disk is full
 */
export function writeClassifier(
  path: string,
  { model, spec, classes }: LabelledClassifier,
  provenance?: Provenance,
): void {
  const tensors = [...model.stateDict()].map(([name, x]): [string, StoredTensor] => [
    name,
    { dtype: "F32", shape: x.shape, data: x.toArray() as Float32Array },
  ]);
  const metadata = encoderMetadata(spec, provenance).set(CLASSES_KEY, JSON.stringify(classes));
  writeAndSync(path, [writeSafetensors(new Map(tensors), metadata)]);
}

/**
 * Reads a classifier, frozen.
 *
 * @throws DataError if the file is not there; FormatError if it is damaged, or holds no classifier
 */
export function readClassifier(path: string): LabelledClassifier {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const { tensors, metadata } = readSafetensors(bytes, path);
  const spec = parseSpec(path, metadata.get(SPEC_KEY));
  const classes = classNames(path, metadata.get(CLASSES_KEY));
  const hidden = tensors.get("head.fc1.weight")?.shape[0] ?? 0;
  const model = unfilled(
    () => new Classifier(buildBackboneOf(spec), { classes: classes.length, hidden, rng: new Rng(0) }),
  );
  try {
    model.loadStateDict(new Map([...tensors].map(([name, x]) => [name, { shape: x.shape, data: toFloat32(x) }])));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new FormatError(`${path}: its tensors are not those of the classifier it names. ${error.message}`, {
      cause: error,
    });
  }
  return { model: model.requireGrad(false), spec, classes };
}

function classNames(path: string, text: string | undefined): string[] {
  let names: unknown = null;
  try {
    names = JSON.parse(text ?? "null");
  } catch {
    // Told below.
  }
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string")) return names;
  throw new FormatError(`${path} names no classes (${CLASSES_KEY} in its metadata), so it holds no classifier.`);
}
