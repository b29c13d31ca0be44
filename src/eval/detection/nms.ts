import type { Box } from "../../data/detection.js";
import { iouOf } from "./box.js";

/** Something that a detector has found. */
export interface Detection {
  /** In pixels of the image. */
  readonly box: Box;
  /** Class, an index into the source's `classes`. */
  readonly label: number;
  /** How sure the detector is, 0…1. */
  readonly score: number;
}

/** The detections in falling order of their scores; equal ones keep their order. */
export function byScore(detections: readonly Detection[]): Detection[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

/**
 * Greedy non-maximum suppression, class by class: a detection goes if it overlaps a better one of its class by more than
 * `threshold`.
 *
 * @param options.threshold  largest IoU that is tolerated
 * @param options.limit  most detections that remain; the best do
 * @returns in falling order of their scores
 */
export function suppressOverlaps(
  detections: readonly Detection[],
  { threshold, limit }: { threshold: number; limit: number },
): Detection[] {
  const kept: Detection[] = [];
  for (const detection of byScore(detections)) {
    if (kept.length === limit) break;
    const repeats = kept.some(({ label, box }) => label === detection.label && iouOf(box, detection.box) > threshold);
    if (!repeats) kept.push(detection);
  }
  return kept;
}
