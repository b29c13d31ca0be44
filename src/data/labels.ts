import { DataError } from "../errors.js";

/** Whole numbers below this bound are taken for class numbers; larger ones are identifiers that name a class. */
const MAX_CLASSES = 65_536;

export interface Labelling {
  /** Class of each image; null if none has a label. */
  readonly labels: Int32Array | null;
  readonly classes: string[];
}

/**
 * Numbers labels as they stand in files. Where all are whole numbers (below 65,536), they are the classes, from "0" to the largest;
 * otherwise the classes are the distinct labels in their order by UTF-16 code units.
 *
 * @param labels  one for each image, null for an image without
 * @param where  what an image is called in an error
 * @throws DataError if some images have a label and others have none
 */
export function numberLabels(labels: readonly (string | null)[], where: (index: number) => string): Labelling {
  const absent = labels.indexOf(null);
  const given = labels.filter((label) => label !== null);
  if (given.length === 0) return { labels: null, classes: [] };
  if (absent >= 0) {
    throw new DataError(
      `${where(absent)}: has no label, ${given.length} of the ${labels.length} images have one. Give it a label, or leave out all of them.`,
    );
  }
  if (given.every((label) => /^\d{1,5}$/.test(label) && Number(label) < MAX_CLASSES)) {
    const numbers = Int32Array.from(given, Number);
    const count = numbers.reduce((max, label) => Math.max(max, label), 0) + 1;
    return { labels: numbers, classes: Array.from({ length: count }, (_, c) => String(c)) };
  }
  const classes = [...new Set(given)].sort();
  const numberOf = new Map(classes.map((name, index) => [name, index]));
  return { labels: Int32Array.from(given, (label) => numberOf.get(label)!), classes };
}
