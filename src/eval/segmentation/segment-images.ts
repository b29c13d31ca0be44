import { scope, step } from "../../autograd/tape.js";
import type { Size, Window } from "../../data/augment-parameters.js";
import type { ImageSource, RawImage } from "../../data/dataset.js";
import { type LabelledImage, splitLabels } from "../../data/labelled-image.js";
import { batches } from "../../data/loader.js";
import { SlidingWindow, type WindowedImage } from "../../data/sliding-window.js";
import { resizeBilinear } from "../../ops/bilinear.js";
import { fromArray, persistent } from "../../tensor/create.js";
import type { Tensor } from "../../tensor/tensor.js";
import { type Segmenter, segmentationLogits } from "./segmenter.js";

/** Pixels from one window to the next, as a share of a window: 341 of 512 (spec §7.6). */
const STRIDE_SHARE = 341 / 512;

/** Windows that pass through the network at a time. */
const BATCH = 8;

/** Size of images and windows. */
export interface SegmentOptions {
  /** Short side that images are brought to, and side of the windows, in pixels. */
  readonly size: number;
  readonly crop: number;
}

/** Tells the class of each pixel of images by windows that slide over them; where they overlap, by the mean of their logits. */
export class ImageSegmentation {
  private readonly segmenter: Segmenter;
  private readonly sliding: SlidingWindow;
  private readonly slot: Tensor;

  constructor(segmenter: Segmenter, { size, crop }: SegmentOptions) {
    const { spec } = segmenter.encoder;
    this.segmenter = segmenter;
    this.sliding = new SlidingWindow({ ...spec, size, crop, stride: Math.max(1, Math.round(STRIDE_SHARE * crop)) });
    this.slot = persistent([BATCH, spec.channels, crop, crop]);
  }

  /** The class of each pixel [height · width]. @throws DataError if the image has other channels than the encoder */
  segment(image: RawImage): Uint8Array {
    const windowed = this.sliding.load(image);
    const means = this.meanLogits(windowed);
    const { height, width } = windowed.scaled;
    const { classes } = this.segmenter.spec;
    return step(() => {
      const logits = fromArray(means, [1, height, width, classes]);
      return largest(resizeBilinear(logits, image.height, image.width).toArray() as Float32Array, classes);
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.slot.dispose();
    this.sliding.dispose();
  }

  /** The mean logits of the windows over each pixel of the resized image [height · width · classes]. */
  private meanLogits(windowed: WindowedImage): Float32Array {
    const { height, width } = windowed.scaled;
    const { classes } = this.segmenter.spec;
    const sums = new Float32Array(height * width * classes);
    const counts = new Uint16Array(height * width);
    for (let first = 0; first < windowed.windows.length; first += BATCH) {
      const windows = windowed.windows.slice(first, first + BATCH);
      this.sliding.write(windowed, windows, this.slot);
      const logits = this.logitsOf(windows.length);
      windows.forEach((window, i) => {
        addWindow(logits, i, {
          window,
          crop: this.sliding.options.crop,
          classes,
          whole: windowed.scaled,
          sums,
          counts,
        });
      });
    }
    for (let i = 0; i < sums.length; i++) sums[i] /= counts[Math.floor(i / classes)];
    return sums;
  }

  /** Logits of the first windows in the slot at their size [count · crop · crop · classes]. */
  private logitsOf(count: number): Float32Array {
    const { crop } = this.sliding.options;
    return step(() =>
      scope(() => {
        const logits = segmentationLogits(this.segmenter, this.slot.narrow(0, 0, count));
        return resizeBilinear(logits, crop, crop).toArray() as Float32Array;
      }),
    );
  }
}

interface WindowSum {
  readonly window: Window;
  /** Side of the windows that were computed, of which `window` is the part within the image. */
  readonly crop: number;
  readonly classes: number;
  readonly whole: Size;
  readonly sums: Float32Array;
  readonly counts: Uint16Array;
}

/** Adds the logits of one window where it lies. */
function addWindow(
  logits: Float32Array,
  index: number,
  { window, crop, classes, whole, sums, counts }: WindowSum,
): void {
  for (let row = 0; row < window.height; row++) {
    const from = (index * crop + row) * crop * classes;
    const to = (window.top + row) * whole.width + window.left;
    for (let i = 0; i < window.width; i++) counts[to + i]++;
    for (let i = 0; i < window.width * classes; i++) sums[to * classes + i] += logits[from + i];
  }
}

/** The class with the largest logit of each pixel; of equal ones the first. */
function largest(logits: Float32Array, classes: number): Uint8Array {
  const chosen = new Uint8Array(logits.length / classes);
  for (let i = 0; i < chosen.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[i * classes + c] > logits[i * classes + best]) best = c;
    chosen[i] = best;
  }
  return chosen;
}

/** A test image with what is true and what was predicted, [height · width] each. */
export interface SegmentedImage extends LabelledImage {
  /** Number of the image in its source. */
  readonly index: number;
  readonly predicted: Uint8Array;
}

/**
 * Segments the readable images of a source in its order.
 *
 * @param source  images whose last channel is the label (data/labelled-image.ts)
 * @param options.strict  stop at the first broken image instead of leaving it out
 */
export async function* segmentImages(
  segmenter: Segmenter,
  source: ImageSource,
  options: SegmentOptions & { strict?: boolean; onWarning?: (message: string) => void },
): AsyncGenerator<SegmentedImage> {
  const segmentation = new ImageSegmentation(segmenter, options);
  const { strict = false, onWarning } = options;
  const stream = batches(source, {
    ...{ batchSize: 1, passes: 1, shuffle: false, dropLast: false },
    ...{ broken: strict ? "throw" : "skip", onWarning },
  });
  try {
    for await (const { images, indices } of stream) {
      const { image, labels } = splitLabels(images[0]);
      yield { image, labels, index: indices[0], predicted: segmentation.segment(image) };
    }
  } finally {
    segmentation.dispose();
  }
}
