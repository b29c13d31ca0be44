import { type ClassMatches, NEUTRAL, RIGHT } from "./match.js";

/** Recalls at which COCO reads precision: 0, 0.01, …, 1. */
const RECALLS = Float64Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** Precision over recall, point by point in falling order of the scores. */
interface Curve {
  readonly recall: Float64Array;
  /** Made to fall: the best precision at this recall or a greater one. */
  readonly precision: Float64Array;
}

/**
 * The curve at one threshold.
 *
 * @param threshold  number of the threshold among those of the matches
 * @param counts  how often each image counts, for resampling; default once
 * @returns null if there is no object to be found
 */
function curveOf(
  { image, outcomes, objects }: ClassMatches,
  threshold: number,
  counts: Int32Array | null,
): Curve | null {
  const wanted = objects.reduce((sum, count, i) => sum + count * (counts ? counts[i] : 1), 0);
  if (wanted === 0) return null;
  const outcome = outcomes[threshold];
  const recall = new Float64Array(outcome.length);
  const precision = new Float64Array(outcome.length);
  let [right, all, length] = [0, 0, 0];
  for (let i = 0; i < outcome.length; i++) {
    const count = counts ? counts[image[i]] : 1;
    if (outcome[i] === NEUTRAL || count === 0) continue;
    all += count;
    if (outcome[i] === RIGHT) right += count;
    recall[length] = right / wanted;
    precision[length++] = right / all;
  }
  for (let i = length - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1], precision[i]);
  return { recall: recall.subarray(0, length), precision: precision.subarray(0, length) };
}

/**
 * COCO's average precision at one IoU threshold: the mean of the precision at 101 recalls, 0 where the recall is not reached.
 *
 * @param counts  how often each image counts, for resampling; default once
 * @returns 0…1; NaN if there is no object to be found
 */
export function averagePrecision(matches: ClassMatches, threshold = 0, counts: Int32Array | null = null): number {
  const curve = curveOf(matches, threshold, counts);
  if (!curve) return Number.NaN;
  const { recall, precision } = curve;
  let [sum, at] = [0, 0];
  for (const level of RECALLS) {
    while (at < recall.length && recall[at] < level) at++;
    if (at === recall.length) break;
    sum += precision[at];
  }
  return sum / RECALLS.length;
}

/** The share of objects found by all detections that count; NaN if there is none to be found. */
export function greatestRecall(matches: ClassMatches, threshold = 0): number {
  const curve = curveOf(matches, threshold, null);
  return curve ? (curve.recall.at(-1) ?? 0) : Number.NaN;
}

/**
 * The average precision of PASCAL VOC since 2010: the area under the falling curve, all points counted.
 *
 * @returns 0…1; NaN if there is no object to be found
 */
export function areaUnderCurve(matches: ClassMatches, threshold = 0): number {
  const curve = curveOf(matches, threshold, null);
  if (!curve) return Number.NaN;
  let [area, before] = [0, 0];
  curve.recall.forEach((recall, i) => {
    area += (recall - before) * curve.precision[i];
    before = recall;
  });
  return area;
}
