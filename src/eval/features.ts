import { scope, step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { type EvalGeometry, EvalTransform } from "../data/eval-transform.js";
import { batches } from "../data/loader.js";
import { NumericError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { l2Normalize } from "../ops/normalize.js";
import { persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { LabelledFeatures } from "./knn.js";

const BATCH = 64;

export interface FeatureOptions {
  /** How images become squares; default: as they are if they have the training size, else short side × 8/7 and centre crop. */
  readonly geometry?: EvalGeometry;
  /** Scale each feature to unit length. Default true. */
  readonly normalize?: boolean;
  /** Stop at the first broken image instead of leaving it out. */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly onWarning?: (message: string) => void;
}

/** Features of a source's readable images, in its order. */
export interface SourceFeatures extends LabelledFeatures {
  /** Index in the source of each row. */
  readonly indices: Int32Array;
}

/** The usual protocol, 256 then 224, in the proportion of the training size. */
export function usualGeometry(size: number): EvalGeometry {
  return { kind: "crop", shortSide: Math.round((size * 8) / 7), size };
}

/** How features are read off a batch of images. */
export interface FeatureReader {
  /** Length of a feature. */
  readonly dim: number;
  /** Features [B, dim] of normalised images [B, C, S, S], inside a step. */
  read(images: Tensor): Tensor;
}

/**
 * Class features of every image of a source (spec §7.1). Broken images are left out, or end the extraction with `strict`.
 *
 * @returns features [N, F] in persistent memory, labels (zeros if the source has none) and indices; dispose of the features
 * @throws NumericError if a feature is not finite
 */
export function extractFeatures(
  source: ImageSource,
  encoder: Encoder,
  options: FeatureOptions = {},
): Promise<SourceFeatures> {
  const { backbone } = encoder;
  const { normalize = true } = options;
  const read = (images: Tensor) => {
    const classToken = backbone.classToken(images);
    return normalize ? l2Normalize(classToken, { eps: 1e-12 }) : classToken;
  };
  return extractRows(source, encoder, { dim: backbone.featureDim, read }, options);
}

/** The same for any features of an encoder, as their reader gives them. */
export async function extractRows(
  source: ImageSource,
  encoder: Encoder,
  reader: FeatureReader,
  { geometry, strict = false, onProgress, onWarning }: Omit<FeatureOptions, "normalize"> = {},
): Promise<SourceFeatures> {
  const { spec } = encoder;
  const transforms = transformsFor(encoder, geometry);
  const slot = transforms.resizing.allocate(BATCH);
  const features = persistent([source.length, reader.dim]);
  const indices: number[] = [];
  const stream = batches(source, {
    batchSize: BATCH,
    passes: 1,
    shuffle: false,
    dropLast: false,
    channels: spec.channels as 1 | 3,
    broken: strict ? "throw" : "skip",
    onWarning,
  });
  for await (const batch of stream) {
    batch.images.forEach((image, i) => {
      const fits = image.width === spec.imageSize && image.height === spec.imageSize;
      ((fits && transforms.asIs) || transforms.resizing).write([image], slot.narrow(0, i, 1));
    });
    const rows = readRows(reader, slot.narrow(0, 0, batch.images.length));
    const bad = rows.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const path = source.path(batch.indices[Math.floor(bad / reader.dim)]);
      throw new NumericError(`features: a number of ${path} is not finite. Are the encoder's weights sound?`);
    }
    features.narrow(0, indices.length, batch.images.length).write(rows);
    indices.push(...batch.indices);
    onProgress?.(indices.length, source.length);
  }
  slot.dispose();
  transforms.resizing.dispose();
  transforms.asIs?.dispose();
  const kept = Int32Array.from(indices);
  const labels = kept.map((i) => source.labels?.[i] ?? 0);
  return { features: features.narrow(0, 0, kept.length), labels, indices: kept };
}

/** Features of a batch, copied out; each block's temporaries are released as it ends. */
function readRows(reader: FeatureReader, images: Tensor): Float32Array {
  return step(() => scope(() => reader.read(images)).toArray()) as Float32Array;
}

function transformsFor({ spec }: Encoder, geometry: EvalGeometry | undefined) {
  const { channels, mean, std, imageSize } = spec;
  const transform = (kind: EvalGeometry) => new EvalTransform({ geometry: kind, channels, mean, std });
  return {
    resizing: transform(geometry ?? usualGeometry(imageSize)),
    asIs: geometry ? null : transform({ kind: "none", size: imageSize }),
  };
}
