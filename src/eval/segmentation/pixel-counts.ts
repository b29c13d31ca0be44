import { IGNORED } from "../../data/mask-meaning.js";
import { ShapeError } from "../../errors.js";
import { type BootstrapOptions, bootstrap, type Interval } from "../bootstrap.js";

/** Numbers of pixels of an image, or of several, class by class. */
export interface PixelCounts {
  /** Pixels that are of the class and were said to be. */
  readonly right: Float64Array;
  /** Pixels that are of the class. */
  readonly labelled: Float64Array;
  /** Pixels that were said to be of the class. */
  readonly predicted: Float64Array;
}

/**
 * Counts pixels by true and predicted class; those with label 255 do not count.
 *
 * @param labels  classes and 255
 * @param predicted  a class for each
 * @param confusion  [classes · classes], row by true class; the pixels are added to it
 * @throws ShapeError if the two are of different length
 */
export function countPixels(labels: Uint8Array, predicted: Uint8Array, confusion: Float64Array): PixelCounts {
  if (labels.length !== predicted.length)
    throw new ShapeError(`count pixels: ${labels.length} labels and ${predicted.length} predictions.`);
  const classes = Math.sqrt(confusion.length);
  const own = new Float64Array(confusion.length);
  for (let i = 0; i < labels.length; i++) if (labels[i] !== IGNORED) own[labels[i] * classes + predicted[i]]++;
  const counts = emptyCounts(classes);
  for (let at = 0; at < own.length; at++) {
    confusion[at] += own[at];
    counts.labelled[Math.floor(at / classes)] += own[at];
    counts.predicted[at % classes] += own[at];
    if (Math.floor(at / classes) === at % classes) counts.right[at % classes] = own[at];
  }
  return counts;
}

function emptyCounts(classes: number): PixelCounts {
  const zeros = () => new Float64Array(classes);
  return { right: zeros(), labelled: zeros(), predicted: zeros() };
}

/** The sum over some of the images, one of which may come several times. */
export function sumCounts(images: readonly PixelCounts[], rows: ArrayLike<number>): PixelCounts {
  const sum = emptyCounts(images[0].right.length);
  for (let i = 0; i < rows.length; i++) {
    const { right, labelled, predicted } = images[rows[i]];
    for (let c = 0; c < right.length; c++) {
      sum.right[c] += right[c];
      sum.labelled[c] += labelled[c];
      sum.predicted[c] += predicted[c];
    }
  }
  return sum;
}

/** Intersection over union of each class; NaN for one that is neither labelled nor predicted. */
export function classIou({ right, labelled, predicted }: PixelCounts): number[] {
  return Array.from(right, (both, c) => both / (labelled[c] + predicted[c] - both));
}

/** The mean of the numbers that are not NaN; NaN if all are. */
export function meanOfDefined(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}

/** What a segmentation is worth, over all pixels of all images. */
export interface SegmentationScores {
  /** Mean over the classes of their intersection over union. */
  readonly meanIou: number;
  /** By class; NaN for one that is neither labelled nor predicted. */
  readonly iou: readonly number[];
  /** Share of the pixels whose class is right. */
  readonly pixelAccuracy: number;
  /** Of the mean IoU, over images. */
  readonly interval: Interval;
  /** Of class 1 where there are two classes. */
  readonly foreground: ForegroundScores | null;
}

/** How well foreground is told from background. */
export interface ForegroundScores {
  readonly iou: number;
  /** The mean of the images' own intersections over union, of those that have any. */
  readonly imageIou: number;
  /** Of the mean over images. */
  readonly interval: Interval;
}

/** @throws ShapeError if there is no image */
export function segmentationScores(images: readonly PixelCounts[], options?: BootstrapOptions): SegmentationScores {
  const meanIou = (rows: ArrayLike<number>) => meanOfDefined(classIou(sumCounts(images, rows)));
  const interval = bootstrap(images.length, meanIou, options);
  const all = sumCounts(images, [...images.keys()]);
  const iou = classIou(all);
  const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);
  return {
    meanIou: meanOfDefined(iou),
    iou,
    pixelAccuracy: total(all.right) / total(all.labelled),
    interval,
    foreground: iou.length === 2 ? foregroundScores(images, iou[1], options) : null,
  };
}

function foregroundScores(
  images: readonly PixelCounts[],
  iou: number,
  options: BootstrapOptions | undefined,
): ForegroundScores {
  const own = images.map((counts) => classIou(counts)[1]);
  const mean = (rows: ArrayLike<number>) => meanOfDefined(Array.from(rows, (i) => own[i]));
  return { iou, imageIou: meanOfDefined(own), interval: bootstrap(images.length, mean, options) };
}
