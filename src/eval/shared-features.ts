import { step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { NumericError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { networkName } from "../models/encoder-spec.js";
import { fromArray } from "../tensor/create.js";
import { classFeatures, normalizedImages, type ReadingOptions } from "./features.js";
import type { LabelledFeatures } from "./knn.js";

/** Features of the same images by several networks. */
export interface SharedFeatures {
  /** Per encoder, unit rows [N · F], row-major, in ordinary memory. */
  readonly features: readonly Float32Array[];
  readonly labels: Int32Array;
}

/**
 * Class features of a source's readable images by several networks of one run. Each image is decoded and normalised once, and
 * seen by all networks before the next.
 *
 * @param encoders  that take the same images
 * @throws NumericError if a feature is not finite
 */
export async function sharedFeatures(
  source: ImageSource,
  encoders: readonly Encoder[],
  options: ReadingOptions = {},
): Promise<SharedFeatures> {
  const features = encoders.map(({ backbone }) => new Float32Array(source.length * backbone.featureDim));
  const kept: number[] = [];
  for await (const { images, indices } of normalizedImages(source, encoders[0].spec, options)) {
    encoders.forEach((encoder, i) => {
      const { featureDim } = encoder.backbone;
      const rows = step(() => classFeatures(encoder, images).toArray());
      const bad = rows.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const path = source.path(indices[Math.floor(bad / featureDim)]);
        throw new NumericError(
          `features: a number of ${path} is not finite. Are the weights of ${networkName(encoder.spec)} sound?`,
        );
      }
      features[i].set(rows, kept.length * featureDim);
    });
    kept.push(...indices);
  }
  return {
    features: features.map((rows, i) => rows.subarray(0, kept.length * encoders[i].backbone.featureDim)),
    labels: Int32Array.from(kept, (index) => source.labels?.[index] ?? 0),
  };
}

/** The features of network number i as a tensor, of the running step if there is one. */
export function labelledFeatures({ features, labels }: SharedFeatures, i: number): LabelledFeatures {
  return { features: fromArray(features[i], [labels.length, features[i].length / labels.length]), labels };
}
