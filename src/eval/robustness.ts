import type { ImageSource } from "../data/dataset.js";
import { bestClasses } from "../models/linear-head.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ImageForm, normalizedImages, type ReadingOptions } from "./features.js";
import { type KnnOptions, knnVote, type LabelledFeatures } from "./knn.js";
import type { Perturbation } from "./perturbation.js";

/** Decides the class of features: a k-NN vote, a linear layer. */
export interface Classifier {
  /** @param features  [B, F] as the classifier has learnt from @returns the class of each */
  predict(features: Tensor): Int32Array;
}

/** The best class of the k-NN vote, the lower one of two equal ones. */
export function knnClassifier(bank: LabelledFeatures, options: Omit<KnnOptions, "ks"> & { k: number }): Classifier {
  const { k, classes } = options;
  return {
    predict(features) {
      return bestClasses(knnVote(features, bank, { ...options, ks: [k] }).get(k)!, classes);
    },
  };
}

/** A frozen network with what decides about its features. */
export interface Recognizer {
  /** How images are prepared. */
  readonly form: ImageForm;
  /** Features of normalised images [B, C, S, S], in memory of their own. */
  readonly featuresOf: (images: Tensor) => Tensor;
  readonly classifier: Classifier;
}

/** What a recogniser answers about the readable images of a source. */
export interface Answers {
  /** Index in the source of each image. */
  readonly indices: Int32Array;
  /** Class of each image for each perturbation, by its name. */
  readonly predictions: ReadonlyMap<string, Int32Array>;
}

/**
 * The classes that a recogniser sees in the images of a source, each changed in several ways. Every image is read once.
 *
 * @param perturbations  with different names
 */
export async function recognize(
  source: ImageSource,
  { form, featuresOf, classifier }: Recognizer,
  perturbations: readonly Perturbation[],
  options?: ReadingOptions,
): Promise<Answers> {
  const indices: number[] = [];
  const predictions = new Map(perturbations.map(({ name }) => [name, [] as number[]]));
  for await (const { images, indices: read, batch } of normalizedImages(source, form, options)) {
    indices.push(...read);
    for (const { name, apply } of perturbations) {
      const changed = apply(images, batch);
      const features = featuresOf(changed);
      predictions.get(name)!.push(...classifier.predict(features));
      features.dispose();
      changed.dispose();
    }
  }
  return {
    indices: Int32Array.from(indices),
    predictions: new Map([...predictions].map(([name, classes]) => [name, Int32Array.from(classes)])),
  };
}
