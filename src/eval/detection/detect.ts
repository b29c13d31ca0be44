import { scope, step } from "../../autograd/tape.js";
import type { DetectionSource } from "../../data/detection.js";
import { batches } from "../../data/loader.js";
import { exp, log } from "../../tensor/math.js";
import { areaOf, clipped } from "./box.js";
import type { Detector } from "./detector.js";
import { ImageBatcher } from "./image-batch.js";
import type { ScoredImage } from "./match.js";
import { byScore, type Detection, suppressOverlaps } from "./nms.js";
import { type PyramidPoints, rowOf } from "./points.js";
import { boxInImage, type View, wholeView } from "./view.js";

/** Images whose predictions are computed together. */
const BATCH = 8;
/** A class whose probability is not above this at a point is not considered. */
const LEAST_PROBABILITY = 0.05;
/** Candidates of a level that go into the suppression; the best do. */
const MOST_CANDIDATES = 1000;
const NMS_THRESHOLD = 0.6;
/** Detections of an image, as many as COCO counts. */
const MOST_DETECTIONS = 100;

/** Whether the first broken image ends the detection, and who is told of progress. */
export interface DetectOptions {
  /** Stop at the first broken image instead of leaving it out. */
  readonly strict?: boolean;
  /** Told how many of all images are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
}

/** An image of a source with what was found on it, in pixels of the stored image. */
export interface DetectedImage extends ScoredImage {
  /** Number of the image in the source. */
  readonly index: number;
}

/**
 * What a detector finds on the images of a source. Scores are √(p·c) for a class's probability p and the centreness c.
 *
 * @returns the readable images in the source's order
 * @throws DataError as `batches`
 */
export async function detectObjects(
  source: DetectionSource,
  detector: Detector,
  { strict = false, onProgress, onWarning }: DetectOptions = {},
): Promise<DetectedImage[]> {
  const batcher = new ImageBatcher(detector.spec);
  const stream = batches(source, {
    batchSize: BATCH,
    passes: 1,
    shuffle: false,
    dropLast: false,
    channels: detector.spec.channels as 1 | 3,
    broken: strict ? "throw" : "skip",
    onWarning,
  });
  const found: DetectedImage[] = [];
  try {
    for await (const { images, indices } of stream) {
      const shown = images.map((image) => ({ image, view: wholeView(image, detector.shortSide) }));
      const { points, rows } = step(() =>
        scope(() => {
          const { points, predictions } = detector.forward(batcher.batch(shown, detector.multiple));
          return { points, rows: rowsOf(predictions, images.length) };
        }),
      );
      shown.forEach(({ view }, image) => {
        const index = indices[image];
        found.push({ index, objects: source.objects(index), detections: decode(points, rows, { image, view }) });
      });
      onProgress?.(found.length, source.length);
    }
  } finally {
    batcher.dispose();
  }
  return found;
}

/** Predictions of a batch as arrays. */
interface PredictedRows {
  readonly batch: number;
  readonly classCount: number;
  readonly classes: ArrayLike<number>;
  readonly distances: ArrayLike<number>;
  readonly centreness: ArrayLike<number>;
}

function rowsOf(
  { classes, distances, centreness }: ReturnType<Detector["forward"]>["predictions"],
  batch: number,
): PredictedRows {
  return {
    batch,
    classCount: classes.shape[1],
    classes: classes.toArray(),
    distances: distances.toArray(),
    centreness: centreness.toArray(),
  };
}

function decode(
  points: PyramidPoints,
  rows: PredictedRows,
  { image, view }: { image: number; view: View },
): Detection[] {
  const least = log(LEAST_PROBABILITY / (1 - LEAST_PROBABILITY));
  const candidates = points.levels.flatMap((_, level) => {
    const onLevel: Detection[] = [];
    for (let point = points.starts[level]; point < points.starts[level + 1]; point++) {
      const row = rowOf(points, point, image, rows.batch);
      for (let label = 0; label < rows.classCount; label++) {
        const logit = rows.classes[row * rows.classCount + label];
        if (!(logit > least)) continue;
        const score = Math.sqrt(sigmoid(logit) * sigmoid(rows.centreness[row]));
        onLevel.push({ box: boxAt(points, point, rows.distances, row), label, score });
      }
    }
    return byScore(onLevel).slice(0, MOST_CANDIDATES);
  });
  const inside = candidates
    .map((each) => ({ ...each, box: clipped(each.box, view.width, view.height) }))
    .filter(({ box }) => areaOf(box) > 0);
  const kept = suppressOverlaps(inside, { threshold: NMS_THRESHOLD, limit: MOST_DETECTIONS });
  return kept.map((each) => ({ ...each, box: boxInImage(each.box, view) }));
}

function boxAt({ x, y, stride }: PyramidPoints, point: number, distances: ArrayLike<number>, row: number) {
  const reach = (edge: number) => stride[point] * distances[4 * row + edge];
  return [x[point] - reach(0), y[point] - reach(1), x[point] + reach(2), y[point] + reach(3)] as const;
}

const sigmoid = (x: number) => 1 / (1 + exp(-x));
