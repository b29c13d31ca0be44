import { dirname } from "node:path";
import { ConfigError } from "../errors.js";
import { coco } from "./coco.js";
import { type DetectionSource, detectionRange, withCommonClasses } from "./detection.js";
import { pascalVoc, type VocSplit, vocSplits } from "./pascal-voc.js";
import { printable } from "./printable.js";
import { lookUp } from "./source-spec.js";

/** A data spec with boxes taken apart; nothing has been looked up yet. */
export interface DetectionSpec {
  readonly kind: "voc" | "coco";
  readonly path: string;
  readonly split: VocSplit | null;
  /** [first, end) or null for all images. */
  readonly range: readonly [number, number] | null;
}

/** Where the images are, and who is told of oddities. */
export interface OpenDetectionOptions {
  /** Folder of the images of `coco:`; default the folder of the file. */
  readonly images?: string;
  /** Told what is odd about the annotations. */
  readonly onNote?: (note: string) => void;
}

/**
 * Takes a spec apart: `voc:DIR` or `coco:FILE.json`, for voc then `#train`, `#val`, `#trainval` or `#test`, then `@a..b` for
 * the images a to b − 1.
 *
 * @throws ConfigError for another form
 */
export function parseDetectionSpec(spec: string): DetectionSpec {
  const match = /^(voc|coco):(.+?)(?:#([^#/\\@]*))?(?:@(\d{1,15})\.\.(\d{1,15}))?$/.exec(spec);
  if (!match) {
    throw new ConfigError(
      `data spec "${printable(spec)}": expected voc:DIR or coco:FILE.json, with @a..b at its end for a part.`,
    );
  }
  const [, kind, path, split, begin, end] = match;
  if (split !== undefined && (kind === "coco" || !/^(train|val|trainval|test)$/.test(split))) {
    const allowed = kind === "coco" ? "a file of COCO is one split" : "write #train, #val, #trainval or #test";
    throw new ConfigError(`data spec "${printable(spec)}": there is no split #${printable(split)}; ${allowed}.`);
  }
  return {
    kind: kind as DetectionSpec["kind"],
    path,
    split: (split as VocSplit | undefined) ?? null,
    range: begin === undefined ? null : [Number(begin), Number(end)],
  };
}

/**
 * The images that a detector learns from and those that it is tested on. Of a VOC folder whose split is not named, the first is
 * `trainval` and the second `test` where both are listed, else `train` and `val`.
 *
 * @param specs.test  absent if `data` is a VOC folder with both
 * @throws ConfigError if that leaves the second open, or for a malformed spec; DataError if data is missing or broken
 */
export function openDetectionPair(
  { data, test }: { data: string; test: string | undefined },
  options: { train?: OpenDetectionOptions; test?: OpenDetectionOptions } = {},
): { train: DetectionSource; test: DetectionSource } {
  const spec = parseDetectionSpec(data);
  if (test === undefined && (spec.kind === "coco" || spec.split !== null || spec.range !== null)) {
    throw new ConfigError(`--data ${printable(data)} names one set of images. Name those of the test with --test.`);
  }
  const [train, held] = withCommonClasses(
    open(spec, 0, options.train ?? {}),
    open(test === undefined ? spec : parseDetectionSpec(test), 1, options.test ?? {}),
  );
  return { train, test: held };
}

/** @param part  0 to learn from, 1 to test on */
function open(spec: DetectionSpec, part: 0 | 1, { images, onNote }: OpenDetectionOptions): DetectionSource {
  const { kind, split, range } = spec;
  const path = lookUp("folder", spec.path);
  const source =
    kind === "coco"
      ? coco(path, { images: images === undefined ? dirname(path) : lookUp("folder", images), onNote })
      : pascalVoc(path, { split: split ?? usualSplits(path)[part], onNote });
  return range === null ? source : detectionRange(source, range[0], range[1]);
}

function usualSplits(folder: string): readonly [VocSplit, VocSplit] {
  const present = vocSplits(folder);
  return present.includes("trainval") && present.includes("test") ? ["trainval", "test"] : ["train", "val"];
}
