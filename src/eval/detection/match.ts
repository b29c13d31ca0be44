import type { DetectionObject } from "../../data/detection.js";
import { areaOf, intersectionOf, iouOf } from "./box.js";
import { byScore, type Detection } from "./nms.js";

/** What is on an image, and what was found on it. */
export interface ScoredImage {
  readonly objects: readonly DetectionObject[];
  readonly detections: readonly Detection[];
}

/** What a detection turned out to be. */
export const WRONG = 0;
export const RIGHT = 1;
export const NEUTRAL = 2;

/** The detections of one class over all images, in falling order of their scores. */
export interface ClassMatches {
  /** Number of the image of each detection [D]. */
  readonly image: Int32Array;
  /** WRONG, RIGHT or NEUTRAL for each IoU threshold and detection [T][D]. */
  readonly outcomes: readonly Uint8Array[];
  /** Objects to be found on each image. */
  readonly objects: Int32Array;
}

/** At which overlaps detections are right, and which objects and detections count. */
export interface CocoMatchOptions {
  /** IoU from which a detection counts as right, one or several. */
  readonly thresholds: readonly number[];
  /** Objects of another area, both ends included, are neutral, and so are detections of another area that match none. */
  readonly areas?: readonly [number, number];
  /** Most detections of an image and class that count; the best do. */
  readonly maxDetections?: number;
}

interface Matched {
  readonly score: number;
  readonly image: number;
  /** By threshold. */
  readonly outcomes: readonly number[];
}

/**
 * Which detections of a class are right by COCO's rule: in falling order of the scores, each takes the object of greatest IoU
 * that no better one has taken. Objects that are a crowd, difficult or of another area are neutral, and only taken where no
 * other is; a crowd can be taken any number of times, and overlap with it is measured by the detection's own area.
 *
 * Source: Lin et al., "Microsoft COCO", 2014, and the evaluation code that goes with it.
 */
export function cocoMatches(images: readonly ScoredImage[], label: number, options: CocoMatchOptions): ClassMatches {
  const { thresholds, areas = [0, Number.POSITIVE_INFINITY], maxDetections = 100 } = options;
  const outside = (area: number) => area < areas[0] || area > areas[1];
  return joined(images, thresholds.length, ({ objects, detections }, image) => {
    const present = objects
      .filter((object) => object.label === label)
      .map((object) => ({ object, neutral: object.crowd || object.difficult || outside(object.area) }))
      .sort((a, b) => Number(a.neutral) - Number(b.neutral));
    const found = byScore(detections.filter((detection) => detection.label === label)).slice(0, maxDetections);
    const overlaps = found.map(({ box }) => present.map(({ object }) => overlapOf(box, object)));
    const neutral = present.map((each) => each.neutral);
    const crowd = present.map(({ object }) => object.crowd);
    const outcomes = thresholds.map((threshold) => {
      const taken = present.map(() => false);
      return overlaps.map((overlap, i) => {
        const match = bestObject(overlap, threshold, { taken, neutral, crowd });
        if (match < 0) return outside(areaOf(found[i].box)) ? NEUTRAL : WRONG;
        taken[match] = true;
        return neutral[match] ? NEUTRAL : RIGHT;
      });
    });
    const matched = found.map(({ score }, i) => ({ score, image, outcomes: outcomes.map((each) => each[i]) }));
    return { matched, objects: neutral.filter((each) => !each).length };
  });
}

/** Overlap with an object: IoU, or with a crowd the share of the detection that lies inside. */
function overlapOf(box: Detection["box"], { box: target, crowd }: DetectionObject): number {
  if (!crowd) return iouOf(box, target);
  const area = areaOf(box);
  return area === 0 ? 0 : intersectionOf(box, target) / area;
}

/** The object that a detection takes, or −1. Of equal overlaps the last counts, as in COCO's code; neutral ones come last. */
function bestObject(
  overlap: readonly number[],
  threshold: number,
  { taken, neutral, crowd }: { taken: readonly boolean[]; neutral: readonly boolean[]; crowd: readonly boolean[] },
): number {
  let least = Math.min(threshold, 1 - 1e-10);
  let match = -1;
  for (let i = 0; i < overlap.length; i++) {
    if (taken[i] && !crowd[i]) continue;
    if (match >= 0 && !neutral[match] && neutral[i]) break;
    if (overlap[i] < least) continue;
    least = overlap[i];
    match = i;
  }
  return match;
}

/**
 * Which detections of a class are right by the rule of PASCAL VOC: each asks for the object of greatest IoU, taken or not; from
 * `threshold` on the first to ask is right and later ones are wrong. Difficult objects and crowds are neutral.
 *
 * Source: Everingham et al., "The PASCAL visual object classes challenge", 2010.
 */
export function vocMatches(images: readonly ScoredImage[], label: number, threshold = 0.5): ClassMatches {
  return joined(images, 1, ({ objects, detections }, image) => {
    const present = objects.filter((object) => object.label === label);
    const neutral = present.map(({ crowd, difficult }) => crowd || difficult);
    const taken = present.map(() => false);
    const matched = byScore(detections.filter((detection) => detection.label === label)).map(({ box, score }) => {
      const overlaps = present.map((object) => iouOf(box, object.box));
      const match = overlaps.indexOf(Math.max(...overlaps));
      if (match < 0 || overlaps[match] < threshold) return { score, image, outcomes: [WRONG] };
      const outcome = neutral[match] ? NEUTRAL : taken[match] ? WRONG : RIGHT;
      taken[match] = true;
      return { score, image, outcomes: [outcome] };
    });
    return { matched, objects: neutral.filter((each) => !each).length };
  });
}

/** The matches of single images as those of all; equal scores come in the order of the images. */
function joined(
  images: readonly ScoredImage[],
  thresholds: number,
  matchImage: (image: ScoredImage, index: number) => { matched: Matched[]; objects: number },
): ClassMatches {
  const parts = images.map(matchImage);
  const all = parts.flatMap(({ matched }) => matched).sort((a, b) => b.score - a.score);
  return {
    image: Int32Array.from(all, ({ image }) => image),
    outcomes: Array.from({ length: thresholds }, (_, t) => Uint8Array.from(all, ({ outcomes }) => outcomes[t])),
    objects: Int32Array.from(parts, ({ objects }) => objects),
  };
}
