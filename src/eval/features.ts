import { scope, step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { EncoderTransform } from "../data/encoder-transform.js";
import type { EvalGeometry } from "../data/eval-transform.js";
import { batches } from "../data/loader.js";
import { NumericError } from "../errors.js";
import type { Backbone } from "../models/backbone.js";
import type { ImageContract } from "../models/encoder-spec.js";
import { l2Normalize } from "../ops/normalize.js";
import { persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { LabelledFeatures } from "./knn.js";

const BATCH = 64;

/** How the images of a source are read. */
export interface ReadingOptions {
  /** How images become squares; default: as they are if they have the training size, else short side × 8/7 and centre crop. */
  readonly geometry?: EvalGeometry;
  /** Stop at the first broken image instead of leaving it out. */
  readonly strict?: boolean;
  /** Told how many of all images are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
}

/** How features are extracted, and whether they have length 1. */
export interface FeatureOptions extends ReadingOptions {
  /** Scale each feature to unit length. Default true. */
  readonly normalize?: boolean;
}

/** Features of a source's readable images, in its order. */
export interface SourceFeatures extends LabelledFeatures {
  /** Index in the source of each row. */
  readonly indices: Int32Array;
}

/** Size and normalisation of images, and how many channels they have. */
export type ImageForm = ImageContract & { readonly channels: number };

/** What gives every image one feature, and how images must look at its door; every encoder does. */
export interface FeatureNetwork {
  readonly backbone: Pick<Backbone, "featureDim" | "classToken">;
  readonly spec: ImageForm;
}

/** How rows of numbers are read off a batch of images. */
export interface FeatureReader {
  /** Length of a row. */
  readonly dim: number;
  /** Rows [B, dim] of normalised images [B, C, S, S], inside a step. */
  read(images: Tensor): Tensor;
}

/** Some images of a source as a network sees them. */
export interface NormalizedImages {
  /** f32 [B, C, S, S], overwritten by the next batch. */
  readonly images: Tensor;
  /** Index in the source of each image. */
  readonly indices: Int32Array;
  /** Number of the batch, from 0 on. */
  readonly batch: number;
}

/**
 * Class features of every image of a source (spec §7.1). Broken images are left out, or end the extraction with `strict`.
 *
 * @returns features [N, F] in persistent memory, labels (zeros if the source has none) and indices; dispose of the features
 * @throws NumericError if a feature is not finite
 */
export function extractFeatures(
  source: ImageSource,
  network: FeatureNetwork,
  { normalize = true, ...options }: FeatureOptions = {},
): Promise<SourceFeatures> {
  const read = (images: Tensor) => classFeatures(network, images, { normalize });
  return extractRows(source, network, { dim: network.backbone.featureDim, read }, options);
}

/** Class features [B, F] of normalised images [B, C, S, S], each block's temporaries released as it ends. */
export function classFeatures({ backbone }: FeatureNetwork, images: Tensor, { normalize = true } = {}): Tensor {
  return step(() =>
    scope(() => {
      const classToken = backbone.classToken(images);
      return normalize ? l2Normalize(classToken, { eps: 1e-12 }) : classToken;
    }),
  );
}

/** The same as `extractFeatures` for any rows that a reader gives, of images in the form of `spec`. */
export async function extractRows(
  source: ImageSource,
  { spec }: { readonly spec: ImageForm },
  reader: FeatureReader,
  options: ReadingOptions = {},
): Promise<SourceFeatures> {
  const features = persistent([source.length, reader.dim]);
  const kept: number[] = [];
  for await (const { images, indices } of normalizedImages(source, spec, options)) {
    const rows = step(() => scope(() => reader.read(images)).toArray());
    const bad = rows.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const path = source.path(indices[Math.floor(bad / reader.dim)]);
      throw new NumericError(`features: a number of ${path} is not finite. Are the encoder's weights sound?`);
    }
    features.narrow(0, kept.length, indices.length).write(rows);
    kept.push(...indices);
  }
  const indices = Int32Array.from(kept);
  const labels = indices.map((i) => source.labels?.[i] ?? 0);
  return { features: features.narrow(0, 0, indices.length), labels, indices };
}

/** The readable images of a source in its order, resized, cut and normalised, a batch at a time. */
export async function* normalizedImages(
  source: ImageSource,
  form: ImageForm,
  { geometry, strict = false, onProgress, onWarning }: ReadingOptions = {},
): AsyncGenerator<NormalizedImages, void, undefined> {
  const transform = new EncoderTransform(form, geometry);
  const slot = transform.allocate(BATCH);
  const stream = batches(source, {
    batchSize: BATCH,
    passes: 1,
    shuffle: false,
    dropLast: false,
    channels: form.channels as 1 | 3,
    broken: strict ? "throw" : "skip",
    onWarning,
  });
  let done = 0;
  try {
    for await (const { images, indices, iteration } of stream) {
      transform.write(images, slot);
      yield { images: slot.narrow(0, 0, images.length), indices, batch: iteration };
      done += images.length;
      onProgress?.(done, source.length);
    }
  } finally {
    slot.dispose();
    transform.dispose();
  }
}
