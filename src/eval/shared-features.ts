import type { ImageSource } from "../data/dataset.js";
import type { Encoder } from "../models/encoder.js";
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
      const rows = classFeatures(encoder, images);
      features[i].set(rows.toArray(), kept.length * encoder.backbone.featureDim);
      rows.dispose();
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
