import { step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { l2Normalize } from "../ops/normalize.js";
import { fromArray, persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { extractRows, type ImageForm, type ReadingOptions, type SourceFeatures } from "./features.js";
import type { LabelledFeatures } from "./knn.js";
import { fitPca, projectOnto } from "./whitened-pca.js";

/** Larger images are brought to this side, since a covariance of pixels grows with its fourth power. */
const LARGEST_SIDE = 32;
/** Directions of the principal components. */
const COMPONENTS = 64;
/** Rows that are scaled at a time. */
const BLOCK = 512;

/** Pixels of a bank and of the images that it is asked about, 0 … 1, channels first. */
export interface Pixels {
  readonly bank: SourceFeatures;
  readonly queries: SourceFeatures;
}

/** Features that need no training, unit rows. */
export interface Baseline {
  readonly name: "rawPixels" | "normalizedPixels" | "pca" | "whitenedPca";
  readonly bank: LabelledFeatures;
  readonly queries: LabelledFeatures;
}

/**
 * The pixels of a source's images as an encoder would see them before normalisation, but with at most 32 a side.
 *
 * @returns values 0 … 1, [N, C·S·S], in persistent memory
 */
export function readPixels(source: ImageSource, form: ImageForm, options?: ReadingOptions): Promise<SourceFeatures> {
  const { channels, imageSize } = form;
  const side = Math.min(imageSize, LARGEST_SIDE);
  const unchanged = { channels, imageSize: side, mean: Array(channels).fill(0), std: Array(channels).fill(1) };
  const dim = channels * side * side;
  const read = (images: Tensor) => images.reshape([-1, dim]);
  return extractRows(source, { spec: unchanged }, { dim, read }, options);
}

/**
 * What any encoder has to beat: pixels as they are, pixels as the encoder sees them, their 64 principal components, and those
 * whitened. The memory of each ends with its turn.
 *
 * @param form  of the encoder: mean and standard deviation of the channels
 */
export function* pixelBaselines({ bank, queries }: Pixels, form: ImageForm): Generator<Baseline, void, undefined> {
  yield* released("rawPixels", { bank, queries }, (pixels) => unitRows(pixels));
  yield* released("normalizedPixels", { bank, queries }, (pixels) => unitRows(pixels, normalization(form)));
  const pca = fitPca(bank.features, COMPONENTS);
  yield* released("pca", { bank, queries }, (pixels) => unitRowsOf(projectOnto(pca, pixels)));
  yield* released("whitenedPca", { bank, queries }, (pixels) => unitRowsOf(projectOnto(pca, pixels, { whiten: true })));
}

/** One baseline, whose memory is given back when the next one is asked for. */
function* released(name: Baseline["name"], { bank, queries }: Pixels, featuresOf: (pixels: Tensor) => Tensor) {
  const [known, asked] = [bank, queries].map(({ features, labels }) => ({ features: featuresOf(features), labels }));
  try {
    yield { name, bank: known, queries: asked };
  } finally {
    known.features.dispose();
    asked.features.dispose();
  }
}

/** Unit rows in place of rows that nobody else needs. */
function unitRowsOf(rows: Tensor): Tensor {
  const unit = unitRows(rows);
  rows.dispose();
  return unit;
}

/** Rows of unit length in persistent memory, changed before if asked. */
function unitRows(rows: Tensor, change?: (values: Float32Array) => void): Tensor {
  const [count, width] = rows.shape;
  const unit = persistent([count, width]);
  for (let first = 0; first < count; first += BLOCK) {
    const block = Math.min(BLOCK, count - first);
    step(() => {
      const values = rows.narrow(0, first, block).toArray() as Float32Array;
      change?.(values);
      unit.narrow(0, first, block).write(l2Normalize(fromArray(values, [block, width])).toArray());
    });
  }
  return unit;
}

/** (x − mean)/std for each channel of rows of planes. */
function normalization({ channels, imageSize, mean, std }: ImageForm): (values: Float32Array) => void {
  const plane = Math.min(imageSize, LARGEST_SIDE) ** 2;
  return (values) => {
    for (let start = 0, c = 0; start < values.length; start += plane, c = (c + 1) % channels) {
      for (let i = start; i < start + plane; i++) values[i] = (values[i] - mean[c]) / std[c];
    }
  };
}
