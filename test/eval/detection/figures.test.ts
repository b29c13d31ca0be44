import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { COCO_THRESHOLDS, detectionFigures } from "../../../src/eval/detection/figures.js";
import type { ScoredImage } from "../../../src/eval/detection/match.js";
import { test } from "../../support/test.js";

type Numbers = readonly [number, number, number, number];

interface Fixture {
  readonly classes: readonly string[];
  readonly images: readonly {
    readonly objects: readonly { readonly label: number; readonly box: Numbers; readonly crowd: boolean }[];
    readonly detections: readonly { readonly label: number; readonly box: Numbers; readonly score: number }[];
  }[];
  /** Of pycocotools; null where it says −1. */
  readonly expected: Readonly<
    Record<"ap" | "ap50" | "ap75" | "apSmall" | "apMedium" | "apLarge" | "ar100", number | null>
  > & {
    readonly perClass: readonly (readonly (number | null)[])[];
  };
}

const fixture = JSON.parse(
  readFileSync(new URL("../../../../test/fixtures/coco-figures.json", import.meta.url), "utf8"),
) as Fixture;

const stored: ScoredImage[] = fixture.images.map(({ objects, detections }) => ({
  objects: objects.map(({ label, box, crowd }) => ({
    ...{ label, box, crowd, difficult: false },
    area: (box[2] - box[0]) * (box[3] - box[1]),
  })),
  detections,
}));

const equal = (actual: number | null, expected: number | null, what: string) => {
  if (actual === null || expected === null) assert.is(actual, expected, what);
  else assert.ok(Math.abs(actual - expected) < 1e-9, `${what}: ${actual}, expected ${expected}`);
};

test("every figure equals that of pycocotools on random boxes with crowds, ties and absent classes", () => {
  const figures = detectionFigures(stored, fixture.classes);
  const { perClass, ...all } = fixture.expected;
  for (const [name, value] of Object.entries(all)) equal(figures[name as keyof typeof all], value, name);
  fixture.classes.forEach((name, label) => {
    const { ap, ap50, ap75 } = figures.perClass[name];
    for (const [i, value] of [ap, ap50, ap75].entries()) equal(value, perClass[label][i], `${name} ${i}`);
  });
});

test("the interval holds the figure, is wider for fewer images, and is a function of the seed", () => {
  const { ap, interval } = detectionFigures(stored, fixture.classes, { seed: 3 });
  assert.ok(interval.low < ap! && ap! < interval.high);
  assert.equal(detectionFigures(stored, fixture.classes, { seed: 3 }).interval, interval);
  const few = detectionFigures(stored.slice(0, 6), fixture.classes, { seed: 3 }).interval;
  assert.ok(few.high - few.low > interval.high - interval.low);
});

test("what is found exactly has an average precision of 1; a class without objects has none", () => {
  const box = [0, 0, 50, 50] as const;
  const object = { box, label: 0, area: 2500, crowd: false, difficult: false };
  const image = { objects: [object], detections: [{ box, label: 0, score: 0.5 }] };
  const figures = detectionFigures([image, image], ["a", "b"]);
  assert.equal(
    [figures.ap, figures.ap50, figures.apSmall, figures.apMedium, figures.ar100, figures.voc50],
    [1, 1, null, 1, 1, 1],
  );
  assert.equal(figures.perClass.b, { ap: null, ap50: null, ap75: null, voc50: null, objects: 0 });
  assert.is(figures.perClass.a.objects, 2);
});

test("the thresholds are evenly spaced from 0.5 to 0.95", () => {
  assert.equal([COCO_THRESHOLDS.length, COCO_THRESHOLDS[0], COCO_THRESHOLDS[9]], [10, 0.5, 0.95]);
  COCO_THRESHOLDS.forEach((threshold, i) => {
    assert.ok(Math.abs(threshold - (0.5 + 0.05 * i)) < 1e-12);
  });
});
