import { scope, step } from "../autograd/tape.js";
import { CropAndFlip } from "../data/crop-and-flip.js";
import type { ImageSource } from "../data/dataset.js";
import { batches } from "../data/loader.js";
import { passOrder, positionOf } from "../data/order.js";
import type { Encoder } from "../models/encoder.js";
import { gatherRows } from "../ops/gather.js";
import { copyStrided } from "../ops/layout.js";
import { persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { FeatureReader } from "./features.js";
import type { LabelledFeatures } from "./knn.js";

/** Images that pass through the encoder at once. */
const CHUNK = 64;

/** Labelled rows of features for one step, valid until the next batch is asked for. */
export interface ProbeBatch {
  /** [B, columns] */
  readonly rows: Tensor;
  readonly labels: Int32Array;
}

/** Where a stream of batches starts, and what names its order. */
export interface ProbeOrder {
  readonly batchSize: number;
  readonly seed: number;
  /** Number of the first batch. */
  readonly start: number;
}

/** Batches without end of features that are there already, in the order in which images would come. */
export async function* cachedBatches(
  { features, labels }: LabelledFeatures,
  { batchSize, seed, start }: ProbeOrder,
): AsyncGenerator<ProbeBatch, never> {
  const plan = { length: labels.length, batchSize, dropLast: true };
  let order: { pass: number; rows: Int32Array } = { pass: -1, rows: new Int32Array(0) };
  for (let iteration = start; ; iteration++) {
    const { pass, batch } = positionOf(iteration, plan);
    if (pass !== order.pass) order = { pass, rows: passOrder(labels.length, seed, pass) };
    const chosen = order.rows.subarray(batch * batchSize, (batch + 1) * batchSize);
    const rows = step(() => gatherRows(features, chosen));
    try {
      yield { rows, labels: chosen.map((row) => labels[row]) };
    } finally {
      rows.dispose();
    }
  }
}

/**
 * Batches without end of fresh features: each image is cropped, mirrored and encoded anew in every pass.
 *
 * @param source  labelled images
 * @param options.strict  end with the first broken image; otherwise another one takes its place
 */
export async function* freshBatches(
  source: ImageSource,
  { spec }: Encoder,
  reader: FeatureReader,
  options: ProbeOrder & { strict?: boolean; onWarning?: (message: string) => void },
): AsyncGenerator<ProbeBatch, void> {
  const { batchSize, seed, start, strict = false, onWarning } = options;
  const { imageSize: size, mean, std } = spec;
  const channels = spec.channels as 1 | 3;
  const crops = new CropAndFlip({ size, channels, mean, std });
  const slot = crops.allocate(Math.min(CHUNK, batchSize));
  const rows = persistent([batchSize, reader.dim]);
  let open = true;
  const stream = batches(source, {
    ...{ batchSize, seed, startIteration: start, channels },
    broken: strict ? "throw" : "replace",
    onWarning: (message) => {
      if (open) onWarning?.(message); // images are read ahead of a stream that has been closed
    },
  });
  try {
    for await (const { images, indices, labels, pass } of stream) {
      for (let first = 0; first < batchSize; first += CHUNK) {
        const part = images.slice(first, first + CHUNK);
        const target = slot.narrow(0, 0, part.length);
        crops.write(part, { seed, pass, samples: indices.subarray(first) }, target);
        readInto(reader, target, rows.narrow(0, first, part.length));
      }
      yield { rows, labels: labels! };
    }
  } finally {
    open = false;
    for (const x of [slot, rows]) x.dispose();
    crops.dispose();
  }
}

/** Features of a batch, written where they are wanted; each block's temporaries are released as it ends. */
function readInto(reader: FeatureReader, images: Tensor, target: Tensor): void {
  step(() => {
    const features = scope(() => reader.read(images));
    copyStrided(target.shape, features, target, 0);
  });
}
