import { step } from "../autograd/tape.js";
import { FormatError, ShapeError } from "../errors.js";
import { toFloat32 } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import { knnVote } from "../models/knn-vote.js";
import { linearFeatures } from "../models/linear-head.js";
import type { StoredBank, StoredHead } from "../models/stored-classifier.js";
import { linear } from "../ops/linear.js";
import { l2Normalize } from "../ops/normalize.js";
import { softmax } from "../ops/softmax.js";
import { fromArray, zeros } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";

/** What a bundle's classifier says about one image. */
export interface Prediction {
  /** The class with the largest score, the first of equal ones: its place among `classes`, and its name. */
  readonly index: number;
  readonly name: string;
  /** For each class its share of the neighbours' votes, or its probability; they sum to 1. */
  readonly scores: Float32Array;
}

/** A classifier beside an encoder: normalised images [B, C, S, S] in, scores [B · classes] out. */
export interface BundledClassifier {
  readonly classes: readonly string[];
  /** A score for each class, image by image. */
  score(images: Tensor): Float32Array;
  /** Gives its memory back. */
  dispose(): void;
}

/**
 * Puts the classifier of a bundle into memory.
 *
 * @param label  of the bundle, for messages
 * @throws FormatError if it does not fit the encoder
 */
export function bundledClassifier(stored: StoredBank | StoredHead, encoder: Encoder, label: string): BundledClassifier {
  return "labels" in stored ? knnOf(stored, encoder, label) : linearOf(stored, encoder, label);
}

function knnOf(stored: StoredBank, { backbone }: Encoder, label: string): BundledClassifier {
  const { classes, labels, k, temperature, features: rows } = stored;
  if (rows.shape[1] !== backbone.featureDim) throw misfit(label, rows.shape[1], backbone.featureDim);
  const features = fromArray(toFloat32(rows), rows.shape);
  return {
    classes,
    score: (images) =>
      step(() => {
        const queries = l2Normalize(backbone.classToken(images), { eps: 1e-12 });
        const options = { ks: [k], classes: classes.length, temperature };
        return knnVote(queries, { features, labels }, options).get(k)!;
      }),
    dispose: () => features.dispose(),
  };
}

function linearOf(stored: StoredHead, { backbone, spec }: Encoder, label: string): BundledClassifier {
  const { classes } = stored;
  const features = (images: Tensor) => linearFeatures(backbone, images, stored);
  const blank = [1, spec.channels, spec.imageSize, spec.imageSize];
  expectFit(label, stored.weight.shape[1], () => features(zeros(blank)).shape[1]);
  const [weight, bias] = [stored.weight, stored.bias].map((tensor) => fromArray(toFloat32(tensor), tensor.shape));
  return {
    classes,
    score: (images) => step(() => softmax(linear(features(images), weight, bias)).toArray() as Float32Array),
    dispose: () => {
      weight.dispose();
      bias.dispose();
    },
  };
}

/** Tries a head on an empty image. */
function expectFit(label: string, expected: number, length: () => number): void {
  let found: number;
  try {
    found = step(length);
  } catch (error) {
    if (error instanceof ShapeError) throw new FormatError(`${label}: ${error.message}`, { cause: error });
    throw error;
  }
  if (found !== expected) throw misfit(label, expected, found);
}

const misfit = (label: string, expected: number, found: number) =>
  new FormatError(
    `${label}: its classifier reads ${expected} features, its network has ${found}. Export it again with poa export.`,
  );
