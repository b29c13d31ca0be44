import { bootstrap, type Interval } from "../bootstrap.js";
import { areaUnderCurve, averagePrecision, greatestRecall } from "./average-precision.js";
import { type ClassMatches, cocoMatches, type ScoredImage, vocMatches } from "./match.js";

/** IoU thresholds of COCO: 0.50, 0.55, …, 0.95, with the roundings of evenly spaced numbers. */
export const COCO_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);

/** Ranges of an object's area in square pixels. */
const AREAS = { small: [0, 32 ** 2], medium: [32 ** 2, 96 ** 2], large: [96 ** 2, Number.POSITIVE_INFINITY] } as const;

const [AT_50, AT_75] = [0, 5];

/** Steps that a bootstrap may take, so that large sets end too. */
const MOST_STEPS = 1e9;

/** Average precisions, 0…1; null where no object of the kind is to be found. */
export interface PrecisionFigures {
  /** Mean over the IoU thresholds 0.50 to 0.95. */
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  /** By the rule of PASCAL VOC (since 2010), at IoU 0.5. */
  readonly voc50: number | null;
}

/** What detections are worth, over all and class by class. */
export interface DetectionFigures extends PrecisionFigures {
  /** Of objects below 32², up to 96², above that, in square pixels of the stored image. */
  readonly apSmall: number | null;
  readonly apMedium: number | null;
  readonly apLarge: number | null;
  /** Mean share of objects found by up to 100 detections of an image and class. */
  readonly ar100: number | null;
  readonly perClass: Readonly<Record<string, PrecisionFigures & { readonly objects: number }>>;
  /** Within which `ap` lies, by resampling the images. */
  readonly interval: Interval;
}

/**
 * The figures of COCO and of PASCAL VOC. Each is the mean over the classes that have objects.
 *
 * @param classes  names by label
 * @param options.seed  of the resampling
 */
export function detectionFigures(
  images: readonly ScoredImage[],
  classes: readonly string[],
  { seed = 0 }: { seed?: number } = {},
): DetectionFigures {
  const matches = classes.map((_, label) => cocoMatches(images, label, { thresholds: COCO_THRESHOLDS }));
  const each = matches.map((match, label) => ({
    ap: overThresholds((t) => averagePrecision(match, t)),
    ap50: averagePrecision(match, AT_50),
    ap75: averagePrecision(match, AT_75),
    voc50: areaUnderCurve(vocMatches(images, label)),
    objects: match.objects.reduce((sum, count) => sum + count, 0),
  }));
  const inRange = (areas: readonly [number, number]) =>
    meanOf(
      classes.map((_, label) => {
        const match = cocoMatches(images, label, { thresholds: COCO_THRESHOLDS, areas });
        return overThresholds((t) => averagePrecision(match, t));
      }),
    );
  return {
    ap: meanOf(each.map(({ ap }) => ap)),
    ap50: meanOf(each.map(({ ap50 }) => ap50)),
    ap75: meanOf(each.map(({ ap75 }) => ap75)),
    voc50: meanOf(each.map(({ voc50 }) => voc50)),
    apSmall: inRange(AREAS.small),
    apMedium: inRange(AREAS.medium),
    apLarge: inRange(AREAS.large),
    ar100: meanOf(matches.map((match) => overThresholds((t) => greatestRecall(match, t)))),
    perClass: Object.fromEntries(
      each.map(({ objects, ...figures }, label) => [classes[label], { ...mapped(figures), objects }]),
    ),
    interval: resampled(matches, images.length, seed),
  };
}

function mapped(figures: Record<keyof PrecisionFigures, number>): PrecisionFigures {
  const { ap, ap50, ap75, voc50 } = figures;
  return { ap: known(ap), ap50: known(ap50), ap75: known(ap75), voc50: known(voc50) };
}

const known = (value: number) => (Number.isNaN(value) ? null : value);

function overThresholds(figure: (threshold: number) => number): number {
  return COCO_THRESHOLDS.reduce((sum, _, t) => sum + figure(t), 0) / COCO_THRESHOLDS.length;
}

/** The mean of the values that are there. */
function meanOf(values: readonly number[]): number | null {
  const present = values.filter((value) => !Number.isNaN(value));
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

function resampled(matches: readonly ClassMatches[], images: number, seed: number): Interval {
  const counts = new Int32Array(images);
  const steps = COCO_THRESHOLDS.length * matches.reduce((sum, { image }) => sum + image.length + 101, 0);
  const figure = (rows: Int32Array) => {
    counts.fill(0);
    for (const row of rows) counts[row]++;
    return meanOf(matches.map((match) => overThresholds((t) => averagePrecision(match, t, counts)))) ?? 0;
  };
  return bootstrap(images, figure, { seed, resamples: Math.min(1000, Math.max(200, Math.floor(MOST_STEPS / steps))) });
}
