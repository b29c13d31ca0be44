import { scope, step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { EncoderTransform } from "../data/encoder-transform.js";
import type { EvalGeometry } from "../data/eval-transform.js";
import { batches } from "../data/loader.js";
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

/**
 * Class features of every image of a source (spec §7.1). Broken images are left out, or end the extraction with `strict`.
 *
 * @returns features [N, F] in persistent memory, labels (zeros if the source has none) and indices; dispose of the features
 */
export async function extractFeatures(
  source: ImageSource,
  encoder: Encoder,
  options: FeatureOptions = {},
): Promise<SourceFeatures> {
  const { spec, backbone } = encoder;
  const { normalize = true, strict = false, onProgress, onWarning } = options;
  const transform = new EncoderTransform(spec, options.geometry);
  const slot = transform.allocate(BATCH);
  const features = persistent([source.length, backbone.featureDim]);
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
    transform.write(batch.images, slot);
    const rows = encode(encoder, slot.narrow(0, 0, batch.images.length), normalize);
    features.narrow(0, indices.length, rows.shape[0]).write(rows.toArray());
    rows.dispose();
    indices.push(...batch.indices);
    onProgress?.(indices.length, source.length);
  }
  slot.dispose();
  transform.dispose();
  const kept = Int32Array.from(indices);
  const labels = kept.map((i) => source.labels?.[i] ?? 0);
  return { features: features.narrow(0, 0, kept.length), labels, indices: kept };
}

/** Class features [B, F] of normalised images [B, C, S, S], each block's temporaries released as it ends. */
function encode({ backbone }: Encoder, images: Tensor, normalize: boolean): Tensor {
  return step(() =>
    scope(() => {
      const classToken = backbone.classToken(images);
      return normalize ? l2Normalize(classToken, { eps: 1e-12 }) : classToken;
    }),
  );
}
