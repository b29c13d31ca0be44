import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataError, ShapeError } from "../errors.js";
import { linearRecognizer } from "../eval/linear-head.js";
import type { Recognizer } from "../eval/robustness.js";
import { type StoredTensor, toFloat32 } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import { type StoredHead, storedHead } from "../models/stored-classifier.js";
import { full, persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { readSealable } from "../train/sealed-file.js";

/** Name of a classifier in the folder of a linear probe. */
const CLASSIFIER_FILE = "classifier.safetensors";

/**
 * The linear classifier of a file, or of the folder of a linear probe, on an encoder.
 *
 * @param classes  of the images that it is to decide about
 * @throws DataError if it is not there, or was trained for other classes or another network
 * @throws FormatError if it is damaged or no classifier
 */
export function openLinearHead(path: string, encoder: Encoder, classes: readonly string[]): Recognizer {
  const { file, head } = readLinearHead(path);
  if (head.classes.join("\n") !== classes.join("\n"))
    throw new DataError(`${file} tells ${head.classes.join(", ")} apart, the images have ${classes.join(", ")}.`);
  return recognizerOf(file, head, encoder);
}

/** The classifier as stored, once it has been tried on the encoder; errors as of `openLinearHead`. */
export function fittingHead(path: string, encoder: Encoder): StoredHead {
  const { file, head } = readLinearHead(path);
  const { weight, bias } = recognizerOf(file, head, encoder);
  weight.dispose();
  bias.dispose();
  return head;
}

function recognizerOf(file: string, head: StoredHead, encoder: Encoder) {
  const [weight, bias] = [tensorOf(head.weight), tensorOf(head.bias)];
  const recognizer = linearRecognizer(encoder, { ...head, weight, bias });
  expectFit(file, recognizer, head.weight.shape[1]);
  return { ...recognizer, weight, bias };
}

function readLinearHead(path: string): { file: string; head: StoredHead } {
  const inFolder = join(path, CLASSIFIER_FILE);
  const file = existsSync(inFolder) ? inFolder : path;
  return { file, head: storedHead(readSealable(file), file) };
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
