import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError, FormatError, ShapeError } from "../errors.js";
import { linearRecognizer } from "../eval/linear-head.js";
import type { Recognizer } from "../eval/robustness.js";
import { readSafetensors, type StoredTensor, toFloat32 } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import { full, persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";

/** Metadata key of what a classifier reads: {"positions": [3], "pooled": false, "classes": [...]}. */
const CLASSIFIER_KEY = "poa.classifier";
/** Its name in the folder of a linear probe. */
const CLASSIFIER_FILE = "classifier.safetensors";

/**
 * The linear classifier of a file, or of the folder of a linear probe, on an encoder.
 *
 * @param classes  of the images that it is to decide about
 * @throws DataError if it is not there, or was trained for other classes or another network
 * @throws FormatError if it is damaged or no classifier
 */
export function openLinearHead(path: string, encoder: Encoder, classes: readonly string[]): Recognizer {
  const inFolder = join(path, CLASSIFIER_FILE);
  const file = existsSync(inFolder) ? inFolder : path;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const { tensors, metadata } = readSafetensors(bytes, file);
  const about = aboutOf(file, metadata.get(CLASSIFIER_KEY));
  const [weight, bias] = ["weight", "bias"].map((name) => tensors.get(name));
  if (!weight || !bias || weight.shape.length !== 2 || bias.shape.length !== 1 || weight.shape[0] !== bias.shape[0])
    throw new FormatError(`${file} lacks a weight [classes, features] or a bias [classes].`);
  if (about.classes.join("\n") !== classes.join("\n"))
    throw new DataError(`${file} tells ${about.classes.join(", ")} apart, the images have ${classes.join(", ")}.`);
  const recognizer = linearRecognizer(encoder, { ...about, weight: tensorOf(weight), bias: tensorOf(bias) });
  expectFit(file, recognizer, weight.shape[1]);
  return recognizer;
}

interface About {
  readonly positions: readonly number[];
  readonly pooled: boolean;
  readonly classes: readonly string[];
}

function aboutOf(file: string, text: string | undefined): About {
  try {
    const { positions, pooled, classes } = JSON.parse(text ?? "") as About;
    const whole = positions.length > 0 && positions.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (whole && typeof pooled === "boolean" && classes.every((name) => typeof name === "string"))
      return { positions, pooled, classes };
  } catch {
    // what is no JSON, or lacks a field, is reported with what has a wrong one
  }
  throw new FormatError(`${file} is no linear classifier: its metadata ${CLASSIFIER_KEY} does not say what it reads.`);
}

function tensorOf(stored: StoredTensor): Tensor {
  const tensor = persistent(stored.shape);
  tensor.write(toFloat32(stored));
  return tensor;
}

/** Tries the classifier on an empty image. */
function expectFit(file: string, { form, featuresOf }: Recognizer, expected: number): void {
  const images = full([1, form.channels, form.imageSize, form.imageSize], 0);
  const problem = (what: string) => new DataError(`${file} was trained on another network: ${what}.`);
  try {
    const features = featuresOf(images);
    const [, found] = features.shape;
    features.dispose();
    if (found !== expected) throw problem(`it reads ${expected} features, this one has ${found}`);
  } catch (error) {
    if (error instanceof ShapeError) throw problem(error.message);
    throw error;
  } finally {
    images.dispose();
  }
}
